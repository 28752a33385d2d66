//! The book of nodes, on the store.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use sovereign_engine::step::chain;
use sovereign_remote::book::{Met, Redeemed, Refusal};
use sovereign_remote::{BookError, NodeBook, NodeId};
use sovereign_store::nodes::TicketOutcome;
use sovereign_store::{SqliteStore, StoreError};

/// The book of nodes, on the store.
#[derive(Debug)]
pub(crate) struct StoredBook(Arc<SqliteStore>);

impl StoredBook {
    pub(crate) fn new(store: Arc<SqliteStore>) -> Self {
        Self(store)
    }
}

fn key(node: &NodeId) -> (&SovereignName, &str) {
    (&node.sovereign, &node.node)
}

fn cannot(action: &'static str) -> impl Fn(StoreError) -> BookError {
    move |error| BookError {
        action,
        why: chain(&error),
    }
}

#[async_trait]
impl NodeBook for StoredBook {
    async fn issue_ticket(&self, node: &NodeId, digest: &str, until: Timestamp) -> Result<(), BookError> {
        let issued = self.0.nodes().issue_ticket(key(node), digest, until).await;
        issued.map_err(cannot("note a ticket"))
    }

    async fn redeem(
        &self,
        node: &NodeId,
        ticket_digest: &str,
        public_key: &str,
        now: Timestamp,
    ) -> Result<Redeemed, BookError> {
        let nodes = self.0.nodes();
        let outcome = nodes
            .redeem_ticket(key(node), ticket_digest, public_key, now)
            .await;
        Ok(match outcome.map_err(cannot("redeem a ticket"))? {
            TicketOutcome::Redeemed => Redeemed::Yes,
            TicketOutcome::KeyKnown => Redeemed::Again,
            TicketOutcome::Unknown => Redeemed::Refused(Refusal::Unknown),
            TicketOutcome::Expired => Redeemed::Refused(Refusal::Expired),
            TicketOutcome::Used => Redeemed::Refused(Refusal::Used),
        })
    }

    async fn identity(&self, node: &NodeId) -> Result<Option<String>, BookError> {
        let identity = self.0.nodes().identity(key(node)).await;
        identity.map_err(cannot("say who a node is"))
    }

    async fn meet(&self, node: &NodeId, host_id: &str) -> Result<Met, BookError> {
        let met = self.0.nodes().first_host(key(node), host_id).await;
        let (known, first) = met.map_err(cannot("note a node's host"))?;
        Ok(match first {
            true => Met::First,
            false if known == host_id => Met::Same,
            false => Met::Other,
        })
    }

    async fn put_host_keys(&self, node: &NodeId, keys: &[String]) -> Result<(), BookError> {
        let put = self.0.nodes().put_host_keys(key(node), keys).await;
        put.map_err(cannot("pin a node's host keys"))
    }

    async fn host_keys(&self, node: &NodeId) -> Result<Vec<String>, BookError> {
        let keys = self.0.nodes().host_keys(key(node)).await;
        keys.map_err(cannot("tell a node's host keys"))
    }

    async fn heard(&self, node: &NodeId, seq: u64) -> Result<(), BookError> {
        let noted = self.0.nodes().heard(key(node), seq).await;
        noted.map_err(cannot("note a node's events"))
    }

    async fn last_heard(&self, node: &NodeId) -> Result<u64, BookError> {
        let last = self.0.nodes().last_heard(key(node)).await;
        last.map_err(cannot("tell how far a node's events are noted"))
    }

    async fn forget_node(&self, node: &NodeId) -> Result<(), BookError> {
        let forgotten = self.0.nodes().forget(&node.sovereign, Some(&node.node)).await;
        forgotten.map_err(cannot("forget a node"))
    }

    async fn forget(&self, sovereign: &SovereignName) -> Result<(), BookError> {
        let forgotten = self.0.nodes().forget(sovereign, None).await;
        forgotten.map_err(cannot("forget the nodes of a Sovereign"))
    }
}

#[cfg(test)]
mod tests {
    use sovereign_remote::testing::book_contract;

    use super::*;

    #[tokio::test]
    async fn the_store_keeps_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        book_contract(async || {
            let store = SqliteStore::open(dir.path()).await.unwrap();
            let book: Arc<dyn NodeBook> = Arc::new(StoredBook::new(Arc::new(store)));
            book
        })
        .await;
    }
}
