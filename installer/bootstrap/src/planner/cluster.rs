//! The cluster on the hosts: one makes it, the other servers join one by one, and the agents all at once.

use std::collections::BTreeMap;

use sovereign_core::host::HostRole;
use sovereign_core::k3s::Artifact;
use sovereign_core::spec::{Network, Region, SovereignSpec};
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};
use sovereign_remote::NodeId;

use super::draft::step_name;
use crate::cluster::NodePlan;
use crate::steps::{HostPlace, MakeJoinToken, PrepareHost, RunK3s};

/// Label by which workloads are spread over regions.
const REGION: &str = "topology.kubernetes.io/region";

/// A host on its way into the cluster.
#[derive(Debug)]
pub(super) struct Seat<'a> {
    pub(super) node: NodeId,
    pub(super) role: HostRole,
    pub(super) region: &'a Region,
    pub(super) place: HostPlace,
    pub(super) prepared: StepRef<PrepareHost>,
}

/// Steps that make a cluster of the hosts. Nothing, if none of them makes it.
pub(super) fn steps(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    binary: &Artifact,
    seats: Vec<Seat<'_>>,
) -> Result<(), PlanError> {
    let Some(first) = seats.iter().find(|seat| seat.role == HostRole::FirstControlPlane) else {
        return Ok(());
    };
    let first = first.place.clone();
    let secret = MakeJoinToken {
        sovereign: spec.name.clone(),
    };
    let name = StepName::new("join_token");
    let token = plan.step(name, "secret that lets nodes into the cluster", &secret, &[])?;
    let (servers, agents): (Vec<_>, Vec<_>) =
        seats.into_iter().partition(|seat| seat.role != HostRole::Worker);
    // etcd takes one new member at a time.
    let mut before: Option<StepName> = None;
    let mut founded: Option<StepName> = None;
    for seat in servers.into_iter().chain(agents) {
        let server = seat.role != HostRole::Worker;
        let name = seat.node.node.clone();
        let title = title(&name, seat.role);
        let mut after = vec![seat.prepared.name().clone(), token.name().clone()];
        after.extend(seat.place.server().map(|server| server.name().clone()));
        after.extend(first.server().map(|server| server.name().clone()));
        after.extend(if server { before.clone() } else { founded.clone() });
        after.sort();
        after.dedup();
        let step = RunK3s {
            node: seat.node,
            prepared: seat.prepared,
            place: seat.place,
            token: token.clone(),
            first: first.clone(),
            plan: node(spec, seat.region, seat.role, binary),
        };
        let made = plan.step(step_name("k3s", &name), title, &step, &after)?;
        if server {
            before = Some(made.name().clone());
            founded.get_or_insert_with(|| made.name().clone());
        }
    }
    Ok(())
}

fn title(name: &str, role: HostRole) -> String {
    match role {
        HostRole::FirstControlPlane => format!("{name} makes the cluster"),
        HostRole::ControlPlane => format!("{name} joins the control plane"),
        HostRole::Worker => format!("{name} joins the cluster"),
    }
}

fn node(spec: &SovereignSpec, region: &Region, role: HostRole, binary: &Artifact) -> NodePlan {
    let (Network::Private { pods, services, .. } | Network::Public { pods, services }) = &region.network;
    NodePlan {
        binary: binary.clone(),
        role,
        tls_sans: spec
            .domain
            .fqdn()
            .map(|fqdn| vec![format!("api.{fqdn}"), fqdn])
            .unwrap_or_default(),
        pods: *pods,
        services: *services,
        labels: BTreeMap::from([(REGION.to_owned(), region.name.clone())]),
    }
}
