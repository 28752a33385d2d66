//! Makes the host what a [`HostConfig`] says, part by part. Every part looks first, changes what differs, and looks again;
//! so all of it may be repeated, and may be cut off anywhere.
#![expect(
    clippy::unused_async,
    reason = "parts have one shape, whether or not they wait for a command"
)]

mod fail2ban;
mod files;
mod firewall;
mod hostname;
mod modules;
mod scrub;
mod ssh;
mod swap;
mod sysctl;
mod time;
mod units;
mod upgrades;

use futures::future::LocalBoxFuture;
use sovereign_core::crash;
use sovereign_core::host::HostConfig;

use crate::fault::Fault;
use crate::host::Host;

pub(crate) use scrub::scrub;
pub(crate) use ssh::reload as reload_ssh;

/// How a part went well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// Something had to be changed.
    pub changed: bool,
    /// What was done or found, in a few words.
    pub detail: String,
}

impl Done {
    fn new(changed: bool, detail: impl Into<String>) -> Self {
        Self {
            changed,
            detail: detail.into(),
        }
    }
}

/// How a part ended.
pub type Outcome = Result<Done, Fault>;

type Converge = for<'a> fn(&'a Host, &'a HostConfig) -> LocalBoxFuture<'a, Outcome>;
type Undo = for<'a> fn(&'a Host) -> LocalBoxFuture<'a, Result<(), Fault>>;

/// A part of what a host is to be.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Stable name; part of the protocol.
    pub name: &'static str,
    converge: Converge,
    undo: Undo,
}

macro_rules! part {
    ($module:ident) => {
        Part {
            name: $module::NAME,
            converge: |host, config| Box::pin($module::converge(host, config)),
            undo: |host| Box::pin($module::undo(host)),
        }
    };
}

/// Every part, in the order of work; taking away goes the other way.
pub const PARTS: [Part; 12] = [
    part!(hostname),
    part!(modules),
    part!(sysctl),
    part!(swap),
    part!(ssh),
    part!(firewall),
    part!(time),
    part!(upgrades),
    part!(fail2ban),
    part!(files),
    part!(units),
    part!(scrub),
];

impl Part {
    /// Makes this part of the host so.
    pub async fn converge(&self, host: &Host, config: &HostConfig) -> Outcome {
        crash::point("agent-before");
        let outcome = (self.converge)(host, config).await;
        crash::point("agent-after");
        outcome
    }

    /// Takes this part away and puts back what was there before, as far as it is known.
    pub async fn undo(&self, host: &Host) -> Result<(), Fault> {
        crash::point("agent-before");
        let outcome = (self.undo)(host).await;
        crash::point("agent-after");
        outcome
    }
}

#[cfg(test)]
mod tests;
