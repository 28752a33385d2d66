//! What a plan is for. Both kinds run forward: destroying is a plan of deletions, a sweep and a proof.

use sovereign_bootstrap::steps::{AddZoneKey, CreateZone, ForgetNodes, PrepareHost, RestoreDelegation};
use sovereign_bootstrap::view::PlanView;
use sovereign_engine::plan::Plan;
use sovereign_engine::step::Step as _;

/// What a plan is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Purpose {
    /// It makes a Sovereign what its spec says.
    Up,
    /// It removes a Sovereign.
    Destroy,
    /// It gives the delegation of a Sovereign's name back, and nothing else.
    Rollback,
    /// It leads the names of a zone elsewhere.
    Addresses,
    /// It gives a zone a new key.
    RollKey,
}

impl Purpose {
    /// What a plan is for: only a plan that destroys forgets the Sovereign's nodes, and of the others only one that rolls back gives
    /// the delegation back. A plan of the zone alone that has nothing to show changes where its names lead.
    pub(crate) fn of(plan: &Plan) -> Self {
        let has = |kind| plan.steps.iter().any(|step| step.kind == kind);
        if has(ForgetNodes::KIND) {
            Self::Destroy
        } else if has(RestoreDelegation::KIND) {
            Self::Rollback
        } else if has(AddZoneKey::KIND) {
            Self::RollKey
        } else if plan.details.is_null() && plan.steps.iter().all(|step| step.kind == CreateZone::KIND) {
            Self::Addresses
        } else {
            Self::Up
        }
    }

    /// It works on the zone alone, and says nothing about the rest of the Sovereign.
    pub(crate) const fn is_of_zone(self) -> bool {
        matches!(self, Self::Addresses | Self::RollKey)
    }

    /// The command that runs such a plan.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Destroy => "destroy",
            Self::Rollback => "dns rollback",
            Self::Addresses => "zone set-addresses",
            Self::RollKey => "zone roll-key",
        }
    }
}

/// A plan that prepares hosts and goes no farther.
pub(crate) fn stops_at_hosts(plan: &Plan) -> bool {
    let prepares = plan.steps.iter().any(|step| step.kind == PrepareHost::KIND);
    prepares && view(plan).is_some_and(|view| view.files.is_none())
}

/// What the operator saw of a plan, where it is one that builds.
pub(crate) fn view(plan: &Plan) -> Option<PlanView> {
    serde_json::from_value(plan.details.clone()).ok()
}
