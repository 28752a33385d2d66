//! The plan that removes what was found, sweeps for what appeared meanwhile, and proves that nothing is left.

use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::name::SovereignName;
use sovereign_dns::DomainName;
use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use super::{MachineTeardown, Teardown};
use crate::steps::{DeleteResource, ForgetNodes, ProveEmpty, RemoveZone, Sweep};

/// The plan of a teardown, run with [`sovereign_engine::journal::Direction::Up`]. Everything goes at once, but for what
/// something else holds on to. The plan's details are the teardown.
pub fn plan_destroy(teardown: &Teardown, zone: Option<&DomainName>) -> Result<Plan, PlanError> {
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
    forget(&mut plan, &teardown.scope.sovereign, zone)?;
    let details = serde_json::to_value(teardown).map_err(|source| PlanError::Params {
        step: StepName::new("proof"),
        source,
    })?;
    Ok(plan.finish(details))
}

/// The plan that takes everything away from machines that were there before. `last` is the run that put it there.
pub fn plan_leave(teardown: &MachineTeardown, zone: Option<&DomainName>) -> Result<Plan, PlanError> {
    let mut plan = PlanBuilder::new(teardown.sovereign.clone(), "");
    for host in &teardown.hosts {
        let name = StepName::new(format!("leave/{}", host.node.node));
        let title = format!(
            "take everything away from {} ({})",
            host.node.node, host.machine.address
        );
        plan.step(name, title, host, &[])?;
    }
    forget(&mut plan, &teardown.sovereign, zone)?;
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
    zone: Option<&DomainName>,
) -> Result<(), PlanError> {
    let before = plan.names();
    if let Some(zone) = zone {
        let step = RemoveZone {
            sovereign: sovereign.clone(),
            zone: zone.clone(),
        };
        plan.step(
            StepName::new(format!("delete/zone/{zone}")),
            format!("delete zone {zone}"),
            &step,
            &[],
        )?;
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
