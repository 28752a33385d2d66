//! The plan that leads a zone's names elsewhere.

use std::net::IpAddr;

use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use crate::steps::CreateZone;

/// The plan that leads the names of a zone to these addresses alone, run with [`sovereign_engine::journal::Direction::Up`].
pub fn plan_addresses(zone: &CreateZone, addresses: Vec<IpAddr>) -> Result<Plan, PlanError> {
    let step = CreateZone {
        balancers: Vec::new(),
        addresses,
        ..zone.clone()
    };
    let mut plan = PlanBuilder::new(zone.sovereign.clone(), "");
    plan.step(
        StepName::new(format!("zone/{}", zone.zone)),
        format!("addresses of zone {}", zone.zone),
        &step,
        &[],
    )?;
    Ok(plan.finish(serde_json::Value::Null))
}
