//! What counts as a Sovereign's, even when what it hung on is gone.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::event::EventKind;
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::Run;
use sovereign_engine::step::Step as _;

use crate::steps::{Made, Sweep};

/// What counts as a Sovereign's: its label, and whatever hangs on these networks and servers. The numbers stay in the scope when
/// the networks and servers are gone; the cloud never gives a number twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Scope {
    /// The Sovereign.
    pub sovereign: SovereignName,
    /// Numbers of its networks.
    #[serde(default)]
    pub networks: BTreeSet<u64>,
    /// Numbers of its servers, those made from inside with them.
    #[serde(default)]
    pub servers: BTreeSet<u64>,
    /// Volumes, addresses and snapshots seen on its servers.
    #[serde(default)]
    pub attached: BTreeSet<(ResourceKind, u64)>,
}

impl Scope {
    /// The label alone.
    pub fn of(sovereign: SovereignName) -> Self {
        Self {
            sovereign,
            networks: BTreeSet::new(),
            servers: BTreeSet::new(),
            attached: BTreeSet::new(),
        }
    }

    /// Whether a resource carries the Sovereign's label.
    pub fn labelled(&self, resource: &Resource) -> bool {
        label::belongs_to(&resource.labels, self.sovereign.as_str())
    }

    /// Adds what a run made, and what an earlier teardown had learned.
    pub fn recall(&mut self, run: &Run) {
        if run.plan.sovereign != self.sovereign {
            return;
        }
        let sweeps = run.plan.steps.iter().filter(|step| step.kind == Sweep::KIND);
        for sweep in sweeps.filter_map(|step| serde_json::from_value::<Sweep>(step.params.clone()).ok()) {
            self.merge(sweep.scope);
        }
        for event in &run.events {
            if let EventKind::StepSucceeded { output, .. } = &event.kind {
                self.recall_output(output);
            }
        }
    }

    fn recall_output(&mut self, output: &serde_json::Value) {
        if let Ok(made) = Made::deserialize(output) {
            match made.kind {
                ResourceKind::Network => self.networks.insert(made.id),
                ResourceKind::Server => self.servers.insert(made.id),
                _ => false,
            };
        } else if let Ok(learned) = Self::deserialize(output) {
            self.merge(learned);
        }
    }

    fn merge(&mut self, other: Self) {
        if other.sovereign == self.sovereign {
            self.networks.extend(other.networks);
            self.servers.extend(other.servers);
            self.attached.extend(other.attached);
        }
    }
}
