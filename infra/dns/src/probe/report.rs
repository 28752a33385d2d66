//! What a probe saw, and what that means.

use serde::Serialize;

use super::chain::{Link, Security};
use super::exchange::Exchange;
use super::expectation::Progress;
use super::failure::Failure;
use super::finding::DelegationFinding;
use super::proof::ServerProof;
use super::seen::{NameServer, ParentServer, ResolverView, ServerAt, SoaSeen, ZoneServer};
use super::waits::Waits;
use crate::name::DomainName;

/// What the name turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Standing {
    /// A zone of its own.
    Zone,
    /// A name in the zone.
    Inside,
    /// A name in the zone that stands for another one.
    Alias {
        /// That one.
        to: String,
    },
    /// Nothing: there is no such name.
    NoSuchName,
    /// Nobody knows: no server of the zone leads on.
    Stuck {
        /// Each that was tried.
        failures: Vec<StuckAt>,
    },
}

/// A server that did not lead on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StuckAt {
    /// Which.
    pub server: ServerAt,
    /// Why.
    pub failure: Failure,
}

/// What a probe saw.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Evidence {
    /// The name that was asked for.
    pub name: DomainName,
    /// What it turned out to be.
    pub standing: Standing,
    /// The zone that was looked at: the name's own, or the one that holds it. None where there is no such name.
    pub zone: Option<DomainName>,
    /// The zone that delegates it.
    pub parent: Option<DomainName>,
    /// The chain of trust from the root to the zone, or to the parent where there is no zone. The last link is the weakest of
    /// those that the zone's servers give.
    pub path: Vec<Link>,
    /// How often names of servers of each zone on the path were seen, from the root down.
    pub path_servers: Vec<usize>,
    /// Every server of the parent.
    pub parents: Vec<ParentServer>,
    /// Start of authority of the parent.
    pub parent_soa: Option<SoaSeen>,
    /// Every name server of the zone.
    pub hosts: Vec<NameServer>,
    /// Every address of them.
    pub servers: Vec<ZoneServer>,
    /// What their signatures are worth, in the same order.
    pub proofs: Vec<ServerProof>,
    /// What public resolvers say, if they were asked.
    pub resolvers: Vec<ResolverView>,
    /// The probe had to stop before it had asked everything.
    pub incomplete: bool,
}

impl Evidence {
    /// How far the zone's data can be trusted.
    pub fn security(&self) -> Security {
        self.path
            .last()
            .map_or(Security::Indeterminate, |link| link.security)
    }
}

/// What a probe cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Questions asked.
    pub questions: u32,
    /// Milliseconds taken.
    pub millis: u64,
}

/// What a probe saw, and what that means.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegationReport {
    /// What it saw.
    #[serde(flatten)]
    pub evidence: Evidence,
    /// How far the zone's data can be trusted.
    pub security: Security,
    /// How far an expected change has come, where one was expected.
    pub progress: Option<Progress>,
    /// How long what was seen stays in caches.
    pub waits: Waits,
    /// What is wrong, the heaviest first.
    pub findings: Vec<DelegationFinding>,
    /// What it cost.
    pub cost: Cost,
    /// Every question in the order in which it was asked, if that was wanted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Exchange>,
}

impl DelegationReport {
    /// Whether nothing is wrong that breaks something.
    pub fn is_healthy(&self) -> bool {
        use sovereign_core::finding::Severity;
        let heaviest = self.findings.iter().map(|finding| finding.severity).max();
        heaviest < Some(Severity::Error)
    }
}
