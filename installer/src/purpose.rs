//! What a plan is for. Both kinds run forward: destroying is a plan of deletions, a sweep and a proof.

use sovereign_bootstrap::steps::ForgetNodes;
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
}

impl Purpose {
    /// What a plan is for: only a plan that destroys forgets the Sovereign's nodes.
    pub(crate) fn of(plan: &Plan) -> Self {
        if plan.steps.iter().any(|step| step.kind == ForgetNodes::KIND) {
            Self::Destroy
        } else {
            Self::Up
        }
    }

    /// The command that runs such a plan.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Destroy => "destroy",
        }
    }
}

/// What the operator saw of a plan, where it is one that builds.
pub(crate) fn view(plan: &Plan) -> Option<PlanView> {
    serde_json::from_value(plan.details.clone()).ok()
}
