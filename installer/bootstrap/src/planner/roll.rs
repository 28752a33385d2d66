//! The plan that gives a zone a new key.

use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use crate::steps::{AddZoneKey, RetireZoneKey, RolledZone, SettleZoneKey, VouchZoneKey};

/// The plan that gives a zone a new key, run with [`sovereign_engine::journal::Direction::Up`]: each step behind the one before.
pub fn plan_roll(zone: &RolledZone) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(zone.sovereign.clone(), "");
    let name = &zone.zone;
    let add = plan.step(
        StepName::new("key/add"),
        format!("add a key to zone {name}"),
        &AddZoneKey { of: zone.clone() },
        &[],
    )?;
    let settle = plan.step(
        StepName::new("key/settle"),
        "wait until caches know the new key",
        &SettleZoneKey { key: add.clone() },
        &[add.name().clone()],
    )?;
    let vouch = plan.step(
        StepName::new("key/vouch"),
        format!("wait until the parent of {name} vouches for it"),
        &VouchZoneKey {
            of: zone.clone(),
            key: add,
        },
        &[settle.name().clone()],
    )?;
    plan.step(
        StepName::new("key/retire"),
        format!("retire the old key of zone {name}"),
        &RetireZoneKey {
            of: zone.clone(),
            vouched: vouch.clone(),
        },
        &[vouch.name().clone()],
    )?;
    Ok(plan.finish(serde_json::Value::Null))
}
