//! The delegation of the Sovereign's zone in a plan.

use sovereign_core::spec::{Domain, SovereignSpec};
use sovereign_dns::delegation::{Patience, Place};
use sovereign_dns::registrar::NsSet;
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};

use crate::steps::{
    Course, CreateZone, DelegatedName, DrainDelegation, ForgetParentCredential, InspectDelegation,
    KeepParentCredential, PointDelegation, SignDelegation, UnsignDelegation, ValidateDelegation,
    ValidatedWay,
};
use crate::view::{DelegatedBy, PlannedDelegation};

/// Steps from where the name is now to a validated delegation to our servers, once the zone answers; none where the spec leaves
/// the parent to others.
pub(super) fn draft(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    zone: &StepRef<CreateZone>,
) -> Result<Option<PlannedDelegation>, PlanError> {
    let Some((name, planned)) = asked_for(spec) else {
        return Ok(None);
    };
    let domain = name.domain.clone();
    let place = match planned.parent {
        Some(_) => Place::Child,
        None => Place::Apex,
    };
    let step_name = |stage: &str| StepName::new(format!("delegation/{stage}/{domain}"));
    let after = |earlier: &StepName| [earlier.clone(), zone.name().clone()];
    let inspect = plan.step(
        step_name("inspect"),
        format!("delegation of {domain} as it is"),
        &InspectDelegation {
            name: name.clone(),
            place,
        },
        &[zone.name().clone()],
    )?;
    let kept = keep_credential(plan, spec, &inspect)?;
    let course = Course {
        name: name.clone(),
        inspect: inspect.clone(),
        zone: zone.clone(),
        credential: spec.domain.parent_host().cloned(),
    };
    let unsign = plan.step(
        step_name("unsign"),
        format!("old keys of {domain} off its parent"),
        &UnsignDelegation {
            course: course.clone(),
            earlier: None,
        },
        &after(kept.as_ref().unwrap_or(inspect.name())),
    )?;
    let point = plan.step(
        step_name("point"),
        format!("{domain} to our name servers"),
        &PointDelegation {
            course: course.clone(),
            earlier: Some(unsign.clone()),
        },
        &after(unsign.name()),
    )?;
    let drain = plan.step(
        step_name("drain"),
        format!("old name servers of {domain} forgotten"),
        &DrainDelegation {
            course: course.clone(),
            earlier: Some(point.clone()),
        },
        &after(point.name()),
    )?;
    let sign = plan.step(
        step_name("sign"),
        format!("keys of {domain} at its parent"),
        &SignDelegation {
            course: course.clone(),
            earlier: Some(drain.clone()),
        },
        &after(drain.name()),
    )?;
    let validate = plan.step(
        step_name("validate"),
        format!("delegation of {domain} proven from the root"),
        &ValidateDelegation {
            name,
            way: Some(ValidatedWay {
                course,
                sign: sign.clone(),
            }),
        },
        &after(sign.name()),
    )?;
    if kept.is_some() {
        let forget = ForgetParentCredential {
            sovereign: spec.name.clone(),
        };
        plan.step(
            StepName::new("delegation/forget_credential"),
            "sealed copy of the registrar's credential destroyed",
            &forget,
            &[validate.name().clone()],
        )?;
    }
    Ok(Some(planned))
}

/// A step that seals the credential before anything is touched, where there is one.
fn keep_credential(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    inspect: &StepRef<InspectDelegation>,
) -> Result<Option<StepName>, PlanError> {
    let Some(credential) = spec.domain.parent_host() else {
        return Ok(None);
    };
    let keep = KeepParentCredential {
        sovereign: spec.name.clone(),
        credential: credential.clone(),
        inspect: Some(inspect.clone()),
    };
    let name = StepName::new("delegation/keep_credential");
    plan.step(
        name.clone(),
        format!(
            "credential of {} sealed until the delegation needs no way back",
            credential.kind()
        ),
        &keep,
        &[inspect.name().clone()],
    )?;
    Ok(Some(name))
}

/// The spec's parser has seen to it that its names are names.
fn asked_for(spec: &SovereignSpec) -> Option<(DelegatedName, PlannedDelegation)> {
    let (parent, by) = match &spec.domain {
        Domain::Registrar { .. } => (None, DelegatedBy::Api),
        Domain::Delegated { .. } => (None, DelegatedBy::Hand),
        Domain::ChildZone { parent, host, .. } => {
            let by = match host {
                Some(_) => DelegatedBy::Api,
                None => DelegatedBy::Hand,
            };
            (Some(parent.clone()), by)
        }
        _ => return None,
    };
    let nameservers = NsSet::read(&spec.dns.as_ref()?.nameservers).ok()?;
    let name = spec.domain.fqdn()?;
    let records = nameservers
        .hosts()
        .iter()
        .map(|host| format!("{name}. NS {host}."));
    let planned = PlannedDelegation {
        records: records.collect(),
        name: name.clone(),
        parent,
        by,
    };
    let delegated = DelegatedName {
        sovereign: spec.name.clone(),
        domain: name.parse().ok()?,
        nameservers,
        patience: Patience::default(),
    };
    Some((delegated, planned))
}
