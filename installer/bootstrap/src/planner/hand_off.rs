//! The way out: the cluster takes nodes by another secret, the Sovereign proves that it goes on by itself, hosts are let go one and
//! all, and the installer's secrets are destroyed.

use sovereign_core::host::HostRole;
use sovereign_core::spec::{Network, Provider, SovereignSpec};
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};

use super::draft::step_name;
use crate::names::Names;
use crate::steps::{HandOff, HostPlace, InstallKit, LetGo, PlannedToken, ReleaseHost, RotateToken, RunK3s};
use crate::teardown::Scope;

/// Steps behind the kit.
pub(super) fn steps(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    nodes: &[RunK3s],
    kit: &StepRef<InstallKit>,
) -> Result<(), PlanError> {
    let Some(founder) = nodes.first() else {
        return Ok(());
    };
    let (node, place) = (founder.node.clone(), founder.place.clone());
    let step = RotateToken {
        node: node.clone(),
        place: place.clone(),
    };
    let title = "the cluster takes nodes by another secret";
    let rotated = plan.step(
        StepName::new("rotate_token"),
        title,
        &step,
        &after(&place, [kit.name()]),
    )?;
    let told = tell(plan, nodes, rotated.name())?;
    let step = HandOff {
        nodes: names(nodes),
        recipients: spec.access.ssh_keys.clone(),
        scope: place.server().map(|_| Scope::of(spec.name.clone())),
        cloud_token: cloud_token(spec),
        node,
        place: place.clone(),
    };
    let title = "the Sovereign goes on by itself, by proof";
    let handed = plan.step(StepName::new("hand_off"), title, &step, &after(&place, &told))?;
    let released = release(plan, spec, nodes, handed.name())?;
    let step = LetGo {
        sovereign: spec.name.clone(),
    };
    let title = "the installer's copy of every secret is destroyed";
    plan.step(StepName::new("let_go"), title, &step, &released)
        .map(drop)
}

/// A k3s that runs takes the secret that it was started with: every node gets the new one, and starts anew. Servers one behind the
/// other, so that etcd keeps its majority.
fn tell(plan: &mut PlanBuilder, nodes: &[RunK3s], rotated: &StepName) -> Result<Vec<StepName>, PlanError> {
    let mut told_last = rotated.clone();
    let told = nodes.iter().map(|step| {
        let name = &step.node.node;
        let mut after = after(&step.place, [&told_last, step.served.name(), step.token.name()]);
        after.extend(step.first.server().map(|server| server.name().clone()));
        after.sort();
        after.dedup();
        let title = format!("{name} knows the new secret");
        let made = plan.step(step_name("token", name), title, step, &after)?;
        if step.plan.role != HostRole::Worker {
            told_last = made.name().clone();
        }
        Ok(made.name().clone())
    });
    told.collect()
}

fn release(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    nodes: &[RunK3s],
    handed: &StepName,
) -> Result<Vec<StepName>, PlanError> {
    let released = nodes.iter().map(|node| {
        let name = &node.node.node;
        let step = ReleaseHost {
            node: node.node.clone(),
            place: node.place.clone(),
            authorized_keys: spec.access.ssh_keys.clone(),
        };
        let title = format!("{name} lets this installer in no more");
        let made = plan.step(
            step_name("release", name),
            title,
            &step,
            &after(&node.place, [handed]),
        )?;
        Ok(made.name().clone())
    });
    released.collect()
}

/// These, and the server whose address is needed.
fn after<'a>(place: &HostPlace, steps: impl IntoIterator<Item = &'a StepName>) -> Vec<StepName> {
    let mut after: Vec<StepName> = steps.into_iter().cloned().collect();
    after.extend(place.server().map(|server| server.name().clone()));
    after.sort();
    after.dedup();
    after
}

fn names(nodes: &[RunK3s]) -> Vec<String> {
    let mut names: Vec<String> = nodes.iter().map(|step| step.node.node.clone()).collect();
    names.sort();
    names
}

/// What goes along with the Sovereign's own cloud token, if it gets one. The cloud's controllers know one network: that of the
/// region whose server made the cluster.
fn cloud_token(spec: &SovereignSpec) -> Option<PlannedToken> {
    let Provider::Hetzner {
        sovereign_token: Some(_),
        ..
    } = spec.provider
    else {
        return None;
    };
    let region = spec.regions.first()?;
    let private = matches!(region.network, Network::Private { .. });
    Some(PlannedToken {
        network: private.then(|| Names::new(&spec.name, &region.name).network()),
    })
}
