//! Documents that the worker makes true.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sovereign_core::agent::AgentEventKind;
use sovereign_core::host::HostConfig;
use sovereign_core::k3s::K3sNode;
use sovereign_core::registry::NodeRegistry;

use crate::part::Part;
use crate::state::{self, Slot};
use crate::{converge, k3s, registry};

/// A document that the worker makes true, part by part.
pub(super) trait Goal: Serialize + DeserializeOwned + 'static {
    /// Where it is kept.
    const SLOT: Slot;
    /// A part builds on those before it. Otherwise a part that fails does not keep the others from being done: an operator
    /// who mends one thing wants to know of all.
    const ORDERED: bool;

    /// What it is known by.
    fn digest(&self) -> String;
    /// Its parts, in the order of work.
    fn parts() -> &'static [Part<Self>];
    /// What is told once it is true.
    fn done(digest: String, changed: u32) -> AgentEventKind;
}

impl Goal for HostConfig {
    const SLOT: Slot = state::HOST;
    const ORDERED: bool = false;

    fn digest(&self) -> String {
        self.digest()
    }

    fn parts() -> &'static [Part<Self>] {
        &converge::PARTS
    }

    fn done(digest: String, changed: u32) -> AgentEventKind {
        AgentEventKind::Converged { digest, changed }
    }
}

impl Goal for NodeRegistry {
    const SLOT: Slot = state::REGISTRY;
    const ORDERED: bool = true;

    fn digest(&self) -> String {
        self.digest()
    }

    fn parts() -> &'static [Part<Self>] {
        &registry::PARTS
    }

    fn done(digest: String, changed: u32) -> AgentEventKind {
        AgentEventKind::RegistryServes { digest, changed }
    }
}

impl Goal for K3sNode {
    const SLOT: Slot = state::K3S;
    const ORDERED: bool = true;

    fn digest(&self) -> String {
        self.digest()
    }

    fn parts() -> &'static [Part<Self>] {
        &k3s::PARTS
    }

    fn done(digest: String, changed: u32) -> AgentEventKind {
        AgentEventKind::K3sRuns { digest, changed }
    }
}
