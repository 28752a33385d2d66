//! What must survive about nodes: tickets, identities, host keys, and how far each node's events are journalled.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use thiserror::Error;

use crate::node_id::NodeId;

/// The book cannot be read or written. Never holds a secret.
#[derive(Debug, Clone, Error)]
#[error("the book of nodes cannot {action}: {why}")]
pub struct BookError {
    /// What it was asked to do.
    pub action: &'static str,
    /// Why it cannot.
    pub why: String,
}

/// What became of a ticket that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeemed {
    /// It was good; the key is the node's identity now, and no other ticket or key is.
    Yes,
    /// The key is the node's identity already.
    Again,
    /// No.
    Refused(Refusal),
}

/// Why a ticket is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Nobody issued it to this node.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was redeemed by another key, or another ticket of the node was.
    Used,
}

/// What is known of a host that says its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Met {
    /// It is the first of this node.
    First,
    /// It is the one that was met first.
    Same,
    /// It is another one.
    Other,
}

/// What must survive about nodes. Every call is one durable step: two processes on one book never both redeem a ticket.
///
/// [`book_contract`](crate::testing::book_contract) (feature `testing`) says what each implementation must do.
#[async_trait]
pub trait NodeBook: fmt::Debug + Send + Sync {
    /// Issues a ticket, known by its digest, good until a moment.
    async fn issue_ticket(&self, node: &NodeId, digest: &str, until: Timestamp) -> Result<(), BookError>;

    /// Redeems a ticket for an identity, the SHA-256 of a public key. [`Redeemed::Yes`] revokes the node's other tickets
    /// and its identity so far, and what was noted of its host: whoever held the ticket is the host now.
    async fn redeem(
        &self,
        node: &NodeId,
        ticket_digest: &str,
        public_key: &str,
        now: Timestamp,
    ) -> Result<Redeemed, BookError>;

    /// The SHA-256 of the public key that the node proves itself with.
    async fn identity(&self, node: &NodeId) -> Result<Option<String>, BookError>;

    /// Notes the id of the node's host, if it is the first.
    async fn meet(&self, node: &NodeId, host_id: &str) -> Result<Met, BookError>;

    /// Pins the node's SSH host keys, in OpenSSH form, in place of those before.
    async fn put_host_keys(&self, node: &NodeId, keys: &[String]) -> Result<(), BookError>;

    /// The node's SSH host keys; none are pinned if empty.
    async fn host_keys(&self, node: &NodeId) -> Result<Vec<String>, BookError>;

    /// Notes that the node's events up to a number are journalled. A lower number changes nothing.
    async fn heard(&self, node: &NodeId, seq: u64) -> Result<(), BookError>;

    /// Number of the node's last event that is journalled, or 0.
    async fn last_heard(&self, node: &NodeId) -> Result<u64, BookError>;

    /// Forgets a node: before its host is made anew, so that the new one is not taken for an intruder.
    async fn forget_node(&self, node: &NodeId) -> Result<(), BookError>;

    /// Forgets every node of a Sovereign.
    async fn forget(&self, sovereign: &SovereignName) -> Result<(), BookError>;
}
