//! The plan that removes what was found, sweeps for what appeared meanwhile, and proves that nothing is left.

use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::name::SovereignName;
use sovereign_dns::DomainName;
use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use super::{MachineTeardown, NameTeardown, PoolTeardown, Teardown, WayBack};
use crate::steps::{
    DeleteResource, ForgetNodes, ForgetParentCredential, KeepParentCredential, ProveEmpty, RemoveZone, Sweep,
};

/// The plan of a teardown, run with [`sovereign_engine::journal::Direction::Up`]. Everything goes at once, but for what
/// something else holds on to. The plan's details are the teardown.
pub fn plan_destroy(teardown: &Teardown, name: Option<&NameTeardown>) -> Result<Plan, PlanError> {
    // A teardown is made from the account, not from a spec.
    let mut plan = PlanBuilder::new(teardown.scope.sovereign.clone(), "");
    let mut deleted: Vec<StepName> = Vec::new();
    for (index, item) in teardown.items.iter().enumerate() {
        let resource = &item.resource;
        let earlier = teardown.items[..index].iter().zip(&deleted);
        let holders: Vec<StepName> = earlier
            .filter(|(earlier, _)| holds(&earlier.resource, resource))
            .map(|(_, name)| name.clone())
            .collect();
        let step = DeleteResource {
            kind: resource.kind,
            id: resource.id,
        };
        plan.step(
            step_name(resource),
            format!("delete {resource}: it {}", item.reason),
            &step,
            &holders,
        )?;
        deleted.push(step_name(resource));
    }
    let sweep = Sweep {
        scope: teardown.scope.clone(),
    };
    let sweep = plan.step(
        StepName::new("sweep"),
        "sweep for what appeared meanwhile",
        &sweep,
        &deleted,
    )?;
    let after = [sweep.name().clone()];
    plan.step(
        StepName::new("proof"),
        "prove that nothing is left",
        &ProveEmpty { sweep },
        &after,
    )?;
    forget(&mut plan, &teardown.scope.sovereign, name)?;
    let details = serde_json::to_value(teardown).map_err(|source| PlanError::Params {
        step: StepName::new("proof"),
        source,
    })?;
    Ok(plan.finish(details))
}

/// The plan that takes everything away from machines that were there before. `last` is the run that put it there.
pub fn plan_leave(teardown: &MachineTeardown, name: Option<&NameTeardown>) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(teardown.sovereign.clone(), "");
    for host in &teardown.hosts {
        let name = StepName::new(format!("leave/{}", host.node.node));
        let title = format!(
            "take everything away from {} ({})",
            host.node.node, host.machine.address
        );
        plan.step(name, title, host, &[])?;
    }
    forget(&mut plan, &teardown.sovereign, name)?;
    let details = serde_json::to_value(teardown).map_err(|source| PlanError::Params {
        step: StepName::new("leave"),
        source,
    })?;
    Ok(plan.finish(details))
}

/// Names and keys go last: until then an interrupted run still knows its hosts.
fn forget(
    plan: &mut PlanBuilder,
    sovereign: &SovereignName,
    name: Option<&NameTeardown>,
) -> Result<(), PlanError> {
    let before = plan.names();
    if let Some(name) = name {
        let way_back = if let Some(way_back) = &name.way_back {
            Some(give_back(plan, way_back)?)
        } else {
            // A change that was refused has left its copy behind.
            forget_credential(plan, sovereign, &[])?;
            None
        };
        zone_away(plan, sovereign, &name.zone, way_back, name.pool.as_ref())?;
    }
    let step = ForgetNodes {
        sovereign: sovereign.clone(),
    };
    plan.step(
        StepName::new("forget"),
        "forget the keys of its hosts",
        &step,
        &before,
    )?;
    Ok(())
}

/// The zone goes when nobody is led to it any more: whoever is led to servers without it gets no answer. A name out of a pool is
/// taken out of it before, and given back when the zone is gone.
fn zone_away(
    plan: &mut PlanBuilder,
    sovereign: &SovereignName,
    zone: &DomainName,
    way_back: Option<StepName>,
    pool: Option<&PoolTeardown>,
) -> Result<(), PlanError> {
    let mut after: Vec<StepName> = way_back.into_iter().collect();
    if let Some(pool) = pool {
        after.push(pool.withdraw(plan, sovereign)?);
    }
    let step = RemoveZone {
        sovereign: sovereign.clone(),
        zone: zone.clone(),
    };
    let removed = plan.step(
        StepName::new(format!("delete/zone/{zone}")),
        format!("delete zone {zone}"),
        &step,
        &after,
    )?;
    after.push(removed.name().clone());
    pool.map_or(Ok(()), |pool| pool.release(plan, sovereign, &after))
}

/// The plan that gives a name out of a pool back and leaves everything else of the Sovereign as it is.
pub fn plan_release(
    sovereign: &SovereignName,
    zone: &DomainName,
    pool: &PoolTeardown,
) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(sovereign.clone(), "");
    zone_away(&mut plan, sovereign, zone, None, Some(pool))?;
    Ok(plan.finish(serde_json::Value::Null))
}

/// The plan that gives a delegation back and leaves everything else.
pub fn plan_rollback(way_back: &WayBack) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(way_back.restore.name.sovereign.clone(), "");
    give_back(&mut plan, way_back)?;
    Ok(plan.finish(serde_json::Value::Null))
}

/// The delegation goes back to where it was; after that nobody needs the credential that it was changed with.
fn give_back(plan: &mut PlanBuilder, way_back: &WayBack) -> Result<StepName, PlanError> {
    let WayBack { restore, credential } = way_back;
    let domain = &restore.name.domain;
    let mut kept = Vec::new();
    if let Some(credential) = credential {
        let keep = KeepParentCredential {
            sovereign: restore.name.sovereign.clone(),
            credential: credential.clone(),
            inspect: None,
        };
        let name = StepName::new("delegation/keep_credential");
        let title = format!(
            "credential of {} sealed until the delegation is given back",
            credential.kind()
        );
        plan.step(name.clone(), title, &keep, &[])?;
        kept.push(name);
    }
    let restored = plan.step(
        StepName::new(format!("delegation/restore/{domain}")),
        format!("delegation of {domain} given back"),
        restore,
        &kept,
    )?;
    forget_credential(plan, &restore.name.sovereign, &[restored.name().clone()])?;
    Ok(restored.name().clone())
}

fn forget_credential(
    plan: &mut PlanBuilder,
    sovereign: &SovereignName,
    after: &[StepName],
) -> Result<(), PlanError> {
    let forget = ForgetParentCredential {
        sovereign: sovereign.clone(),
    };
    plan.step(
        StepName::new("delegation/forget_credential"),
        "sealed copy of the registrar's credential destroyed",
        &forget,
        after,
    )?;
    Ok(())
}

fn step_name(resource: &Resource) -> StepName {
    let kind = resource.kind.words().to_lowercase().replace(' ', "_");
    StepName::new(format!("delete/{kind}/{}", resource.id))
}

/// Whether the cloud refuses to delete `held` while `holder` is there.
fn holds(holder: &Resource, held: &Resource) -> bool {
    match held.kind {
        ResourceKind::Network => holder.networks.contains(&held.id),
        ResourceKind::Certificate => holder.kind == ResourceKind::LoadBalancer,
        ResourceKind::Volume
        | ResourceKind::PrimaryIp
        | ResourceKind::FloatingIp
        | ResourceKind::Firewall
        | ResourceKind::PlacementGroup => {
            holder.kind == ResourceKind::Server && held.servers.contains(&holder.id)
        }
        _ => false,
    }
}
