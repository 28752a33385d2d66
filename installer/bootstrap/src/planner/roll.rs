//! The plan that gives a zone a new key.

use sovereign_core::registrar::RegistrarCredential;
use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use crate::steps::{
    AddZoneKey, ForgetParentCredential, ForsakeZoneKey, KeepParentCredential, RetireZoneKey, RolledZone,
    SettleZoneKey, VouchZoneKey,
};

/// The plan that gives a zone a new key, run with [`sovereign_engine::journal::Direction::Up`]: each step behind the one before. A
/// credential for the parent is kept sealed from the first step to the last.
pub fn plan_roll(zone: &RolledZone, credential: Option<&RegistrarCredential>) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(zone.sovereign.clone(), "");
    let name = &zone.zone;
    let kept = keep_credential(&mut plan, zone, credential)?;
    let add = plan.step(
        StepName::new("key/add"),
        format!("add a key to zone {name}"),
        &AddZoneKey { of: zone.clone() },
        kept.as_slice(),
    )?;
    let settle = plan.step(
        StepName::new("key/settle"),
        "wait until caches know the new key",
        &SettleZoneKey { key: add.clone() },
        &[add.name().clone()],
    )?;
    let vouch = plan.step(
        StepName::new("key/vouch"),
        format!("have the parent of {name} vouch for it"),
        &VouchZoneKey {
            of: zone.clone(),
            key: add,
        },
        &[settle.name().clone()],
    )?;
    let retire = plan.step(
        StepName::new("key/retire"),
        format!("retire the old key of zone {name}"),
        &RetireZoneKey {
            of: zone.clone(),
            vouched: vouch.clone(),
        },
        &[vouch.name().clone()],
    )?;
    let forsake = plan.step(
        StepName::new("key/forsake"),
        format!("see the old key of {name} off its parent"),
        &ForsakeZoneKey {
            of: zone.clone(),
            rolled: retire.clone(),
        },
        &[retire.name().clone()],
    )?;
    if kept.is_some() {
        plan.step(
            StepName::new("delegation/forget_credential"),
            "sealed copy of the registrar's credential destroyed",
            &ForgetParentCredential {
                sovereign: zone.sovereign.clone(),
            },
            &[forsake.name().clone()],
        )?;
    }
    Ok(plan.finish(serde_json::Value::Null))
}

fn keep_credential(
    plan: &mut PlanBuilder,
    zone: &RolledZone,
    credential: Option<&RegistrarCredential>,
) -> Result<Option<StepName>, PlanError> {
    let Some(credential) = credential else {
        return Ok(None);
    };
    let name = StepName::new("delegation/keep_credential");
    plan.step(
        name.clone(),
        format!(
            "credential of {} sealed until the roll is over",
            credential.kind()
        ),
        &KeepParentCredential {
            sovereign: zone.sovereign.clone(),
            credential: credential.clone(),
            inspect: None,
        },
        &[],
    )?;
    Ok(Some(name))
}
