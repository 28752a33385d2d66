//! The cluster on the hosts: each serves what it runs from; one makes it, the other servers join one by one, and the agents all at
//! once. Then the kit goes into it.

use std::collections::BTreeMap;

use sovereign_core::host::HostRole;
use sovereign_core::k3s::Artifact;
use sovereign_core::spec::{Network, Region, SovereignSpec};
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};
use sovereign_remote::NodeId;

use super::draft::step_name;
use super::hand_off;
use crate::cluster::{ClusterFiles, NodePlan};
use crate::link::Until;
use crate::steps::{
    HostPlace, InstallKit, MakeJoinToken, MakeRegistryAuthority, PrepareHost, RunK3s, ServeRegistry,
};

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

/// Steps that make a cluster of the hosts, and what goes into it, as far as the plan goes. Nothing, if none of them makes it.
pub(super) fn steps(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    until: &Until,
    seats: Vec<Seat<'_>>,
) -> Result<(), PlanError> {
    let Some(files) = until.files() else {
        return Ok(());
    };
    if !seats.iter().any(|seat| seat.role == HostRole::FirstControlPlane) {
        return Ok(());
    }
    let authority = registry_authority(plan, spec)?;
    let nodes = join(plan, spec, files, &authority, seats)?;
    let (Some(wanted), Some((founder, _))) = (until.kit(), nodes.first()) else {
        return Ok(());
    };
    let members = nodes.iter().map(|(_, made)| made.clone()).collect();
    let step = InstallKit {
        node: founder.node.clone(),
        place: founder.place.clone(),
        authority: authority.clone(),
        archive: files.kit.clone(),
        kit: wanted.clone(),
        profile: spec.kit.profile,
        variables: variables(spec),
    };
    let kit = kit(plan, &step, members)?;
    if until.hands_off() {
        let nodes: Vec<RunK3s> = nodes.into_iter().map(|(step, _)| step).collect();
        hand_off::steps(plan, spec, &nodes, &kit)?;
    }
    Ok(())
}

/// Every host becomes a node; the one that makes the cluster is the first.
fn join(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    files: &ClusterFiles,
    authority: &StepRef<MakeRegistryAuthority>,
    mut seats: Vec<Seat<'_>>,
) -> Result<Vec<(RunK3s, StepName)>, PlanError> {
    seats.sort_by_key(|seat| seat.role);
    let Some(first) = seats.first().map(|seat| seat.place.clone()) else {
        return Ok(Vec::new());
    };
    let token = join_token(plan, spec)?;
    let mut nodes: Vec<(RunK3s, StepName)> = Vec::new();
    // etcd takes one new member at a time.
    let mut newest: Option<StepName> = None;
    for seat in seats {
        let joins_etcd = seat.role != HostRole::Worker;
        let name = seat.node.node.clone();
        let title = title(&name, seat.role);
        let served = registry(plan, &seat, authority, &files.kit)?;
        let mut after = vec![served.name().clone(), token.name().clone()];
        after.extend(seat.place.server().map(|server| server.name().clone()));
        after.extend(first.server().map(|server| server.name().clone()));
        let founded = nodes.first().map(|(_, made)| made.clone());
        after.extend(if joins_etcd { newest.clone() } else { founded });
        after.sort();
        after.dedup();
        let step = RunK3s {
            node: seat.node,
            served,
            place: seat.place,
            token: token.clone(),
            first: first.clone(),
            plan: node(spec, seat.region, seat.role, &files.k3s),
        };
        let made = plan
            .step(step_name("k3s", &name), title, &step, &after)?
            .name()
            .clone();
        if joins_etcd {
            newest = Some(made.clone());
        }
        nodes.push((step, made));
    }
    Ok(nodes)
}

/// The kit goes into the cluster once every node is there.
fn kit(
    plan: &mut PlanBuilder,
    step: &InstallKit,
    members: Vec<StepName>,
) -> Result<StepRef<InstallKit>, PlanError> {
    let mut after = members;
    after.push(step.authority.name().clone());
    after.extend(step.place.server().map(|server| server.name().clone()));
    after.sort();
    let title = "the kit runs, every component by proof";
    plan.step(StepName::new("kit"), title, step, &after)
}

/// The values of the kit's variables.
fn variables(spec: &SovereignSpec) -> BTreeMap<String, String> {
    let name = spec.name.to_string();
    BTreeMap::from([
        (
            "SOVEREIGN_FQDN".to_owned(),
            spec.domain.fqdn().unwrap_or_else(|| name.clone()),
        ),
        ("SOVEREIGN_NAME".to_owned(), name),
        ("ADMIN_EMAIL".to_owned(), spec.organization.email.clone()),
    ])
}

fn join_token(plan: &mut PlanBuilder, spec: &SovereignSpec) -> Result<StepRef<MakeJoinToken>, PlanError> {
    let secret = MakeJoinToken {
        sovereign: spec.name.clone(),
    };
    let name = StepName::new("join_token");
    plan.step(name, "secret that lets nodes into the cluster", &secret, &[])
}

fn registry_authority(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
) -> Result<StepRef<MakeRegistryAuthority>, PlanError> {
    let authority = MakeRegistryAuthority {
        sovereign: spec.name.clone(),
    };
    let name = StepName::new("registry_authority");
    plan.step(name, "CA that registries are known by", &authority, &[])
}

/// The host serves the kit.
fn registry(
    plan: &mut PlanBuilder,
    seat: &Seat<'_>,
    authority: &StepRef<MakeRegistryAuthority>,
    kit: &Artifact,
) -> Result<StepRef<ServeRegistry>, PlanError> {
    let step = ServeRegistry {
        node: seat.node.clone(),
        prepared: seat.prepared.clone(),
        place: seat.place.clone(),
        authority: authority.clone(),
        kit: kit.clone(),
    };
    let name = &seat.node.node;
    let mut after = vec![seat.prepared.name().clone(), authority.name().clone()];
    after.extend(seat.place.server().map(|server| server.name().clone()));
    let title = format!("{name} serves the kit to itself and its pods");
    plan.step(step_name("registry", name), title, &step, &after)
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
        version: spec.kubernetes.version.clone(),
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
