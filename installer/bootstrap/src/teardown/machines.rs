//! What a Sovereign put on machines that were there before it.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::Run;
use sovereign_engine::step::Step as _;

use crate::steps::{EnrolHost, HostPlace, LeaveHost};

/// The machines that everything is taken away from; they stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MachineTeardown {
    /// The Sovereign.
    pub sovereign: SovereignName,
    /// Its machines, each with the host key it was trusted by.
    pub hosts: Vec<LeaveHost>,
}

impl MachineTeardown {
    /// The machines of a run: of one that brought them up, or of one that was taking leave already.
    pub fn of(run: &Run) -> Option<Self> {
        if let Ok(teardown) = serde_json::from_value::<Self>(run.plan.details.clone()) {
            return Some(teardown);
        }
        let enrolled = run.plan.steps.iter().filter(|step| step.kind == EnrolHost::KIND);
        let hosts: Vec<LeaveHost> = enrolled
            .filter_map(|step| serde_json::from_value::<EnrolHost>(step.params.clone()).ok())
            .filter_map(|enrol| match enrol.place {
                HostPlace::Machine(machine) => Some(LeaveHost {
                    node: enrol.node,
                    machine,
                }),
                HostPlace::Server { .. } => None,
            })
            .collect();
        (!hosts.is_empty()).then(|| Self {
            sovereign: run.plan.sovereign.clone(),
            hosts,
        })
    }
}
