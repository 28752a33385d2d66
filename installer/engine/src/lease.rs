//! Who may write to a Sovereign's journal.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;

/// A worker's identity: host, process and a random part, so that a reused process id is another worker.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkerId(String);

impl WorkerId {
    /// An identity from its text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The identity as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WorkerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The right to write to one Sovereign's journal. `epoch` grows with every claim and fences off every earlier holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The Sovereign.
    pub sovereign: SovereignName,
    /// The holder.
    pub worker: WorkerId,
    /// Fencing token.
    pub epoch: u64,
}

/// The answer to a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// The lease is ours.
    Granted(Lease),
    /// Another worker holds it.
    Held {
        /// The holder.
        by: WorkerId,
        /// When its lease ends unless renewed, by the holder's clock.
        until: Timestamp,
        /// How long its lease lasts; whoever lives renews it several times in that.
        lasts: Duration,
    },
}
