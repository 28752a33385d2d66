//! The plan that removes what was found, sweeps for what appeared meanwhile, and proves that nothing is left.

use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_engine::plan::{Plan, PlanBuilder, PlanError, StepName};

use super::Teardown;
use crate::steps::{DeleteResource, ProveEmpty, Sweep};

/// The plan of a teardown, run with [`sovereign_engine::journal::Direction::Up`]. Everything goes at once, but for what
/// something else holds on to. The plan's details are the teardown.
pub fn plan_destroy(teardown: &Teardown) -> Result<Plan, PlanError> {
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
    let details = serde_json::to_value(teardown).map_err(|source| PlanError::Params {
        step: StepName::new("proof"),
        source,
    })?;
    Ok(plan.finish(details))
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
