//! A book in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::name::SovereignName;

use crate::book::{BookError, Met, NodeBook, Redeemed, Refusal};
use crate::node_id::NodeId;

/// A book in memory.
#[derive(Debug, Default)]
pub struct MemoryBook(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    tickets: BTreeMap<String, Ticket>,
    nodes: BTreeMap<NodeId, Node>,
}

#[derive(Debug)]
struct Ticket {
    node: NodeId,
    until: Timestamp,
    used: bool,
}

#[derive(Debug, Default)]
struct Node {
    identity: Option<String>,
    host_id: Option<String>,
    host_keys: Vec<String>,
    last_heard: u64,
}

impl MemoryBook {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl NodeBook for MemoryBook {
    async fn issue_ticket(&self, node: &NodeId, digest: &str, until: Timestamp) -> Result<(), BookError> {
        let node = node.clone();
        let used = false;
        self.pages()
            .tickets
            .insert(digest.to_owned(), Ticket { node, until, used });
        Ok(())
    }

    async fn redeem(
        &self,
        node: &NodeId,
        ticket_digest: &str,
        public_key: &str,
        now: Timestamp,
    ) -> Result<Redeemed, BookError> {
        let mut pages = self.pages();
        let known = pages.nodes.get(node).and_then(|known| known.identity.as_deref());
        if known == Some(public_key) {
            return Ok(Redeemed::Again);
        }
        let refusal = match pages
            .tickets
            .get(ticket_digest)
            .filter(|ticket| ticket.node == *node)
        {
            None => Some(Refusal::Unknown),
            Some(ticket) if ticket.used => Some(Refusal::Used),
            Some(ticket) if ticket.until <= now => Some(Refusal::Expired),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            return Ok(Redeemed::Refused(refusal));
        }
        for ticket in pages.tickets.values_mut().filter(|ticket| ticket.node == *node) {
            ticket.used = true;
        }
        let page = pages.nodes.entry(node.clone()).or_default();
        page.identity = Some(public_key.to_owned());
        page.host_id = None;
        page.last_heard = 0;
        Ok(Redeemed::Yes)
    }

    async fn identity(&self, node: &NodeId) -> Result<Option<String>, BookError> {
        Ok(self
            .pages()
            .nodes
            .get(node)
            .and_then(|node| node.identity.clone()))
    }

    async fn meet(&self, node: &NodeId, host_id: &str) -> Result<Met, BookError> {
        let mut pages = self.pages();
        let page = pages.nodes.entry(node.clone()).or_default();
        Ok(match &page.host_id {
            None => {
                page.host_id = Some(host_id.to_owned());
                Met::First
            }
            Some(known) if known == host_id => Met::Same,
            Some(_) => Met::Other,
        })
    }

    async fn put_host_keys(&self, node: &NodeId, keys: &[String]) -> Result<(), BookError> {
        self.pages().nodes.entry(node.clone()).or_default().host_keys = keys.to_vec();
        Ok(())
    }

    async fn host_keys(&self, node: &NodeId) -> Result<Vec<String>, BookError> {
        let pages = self.pages();
        Ok(pages
            .nodes
            .get(node)
            .map(|node| node.host_keys.clone())
            .unwrap_or_default())
    }

    async fn heard(&self, node: &NodeId, seq: u64) -> Result<(), BookError> {
        let mut pages = self.pages();
        let page = pages.nodes.entry(node.clone()).or_default();
        page.last_heard = page.last_heard.max(seq);
        Ok(())
    }

    async fn last_heard(&self, node: &NodeId) -> Result<u64, BookError> {
        Ok(self.pages().nodes.get(node).map_or(0, |node| node.last_heard))
    }

    async fn forget_node(&self, node: &NodeId) -> Result<(), BookError> {
        let mut pages = self.pages();
        pages.tickets.retain(|_, ticket| ticket.node != *node);
        pages.nodes.remove(node);
        Ok(())
    }

    async fn forget(&self, sovereign: &SovereignName) -> Result<(), BookError> {
        let mut pages = self.pages();
        pages
            .tickets
            .retain(|_, ticket| ticket.node.sovereign != *sovereign);
        pages.nodes.retain(|node, _| node.sovereign != *sovereign);
        Ok(())
    }
}
