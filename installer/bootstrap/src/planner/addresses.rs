//! The plan that leads a zone's names elsewhere.

use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use crate::steps::CreateZone;

/// The plan that leads the names of a zone where the step says, run with [`sovereign_engine::journal::Direction::Up`].
pub fn plan_addresses(step: &CreateZone) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(step.sovereign.clone(), "");
    plan.step(
        StepName::new(format!("zone/{}", step.zone)),
        format!("addresses of zone {}", step.zone),
        step,
        &[],
    )?;
    Ok(plan.finish(serde_json::Value::Null))
}
