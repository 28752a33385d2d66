//! What the hosts of a plan are to be, by role and by the spec's switches, and the steps that make them so.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use sovereign_core::agent::PreflightOrder;
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::host::{HostConfig, HostFirewall, HostRole, Upgrades};
use sovereign_core::name::SovereignName;
use sovereign_core::spec::{Network, Region, SovereignSpec};
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};
use sovereign_remote::NodeId;

use super::cluster::Seat;
use super::draft::step_name;
use crate::link::{LinkPlan, Transport};
use crate::steps::{EnrolHost, HostBoot, HostPlace, PrepareHost, PrepareLink};

/// Ports that the world's traffic comes in by.
const OPEN: [u16; 2] = [80, 443];
/// First hour, UTC, in which a host may install updates and reboot.
const UPGRADE_HOUR: u32 = 1;
/// Minutes between the windows of two hosts of a group.
const UPGRADE_STEP: u32 = 20;
/// Windows of a group before they begin anew; with the step, four hours of the night.
const UPGRADE_WINDOWS: u32 = 12;

/// Least of what k3s and the kit need, by role: CPUs, MiB of memory, MiB of free disk.
const fn least(role: HostRole) -> (u32, u64, u64) {
    match role {
        HostRole::FirstControlPlane | HostRole::ControlPlane => (2, 1_800, 6_000),
        HostRole::Worker => (1, 900, 4_000),
    }
}

/// The role of a server; `first` region and index 1 of the control plane makes the cluster.
pub(super) fn role(control_plane: bool, first_region: bool, index: u32) -> HostRole {
    match (control_plane, first_region && index == 1) {
        (true, true) => HostRole::FirstControlPlane,
        (true, false) => HostRole::ControlPlane,
        (false, _) => HostRole::Worker,
    }
}

/// What a server of a role is told at its first boot.
pub(super) fn boot(
    spec: &SovereignSpec,
    link: &LinkPlan,
    keys: &StepRef<PrepareLink>,
    role: HostRole,
) -> HostBoot {
    HostBoot {
        sovereign: spec.name.clone(),
        role,
        organization: spec.organization.name.clone(),
        fqdn: spec.domain.fqdn(),
        authorized_keys: spec.access.ssh_keys.clone(),
        transport: link.transport.clone(),
        agent: link.agent.clone(),
        link: keys.clone(),
    }
}

/// Where the installer calls, somebody has to let it in.
pub(super) fn access(spec: &SovereignSpec, link: &LinkPlan) -> Option<Finding> {
    let closed = link.transport == Transport::Ssh && spec.access.admin_cidrs.is_empty();
    closed.then(|| {
        Finding::new(
            Severity::Error,
            "preflight.ssh_closed",
            "access.adminCidrs",
            "this installer calls the hosts over SSH, and port 22 is closed to everyone",
            "add the range that this installer comes from, or let the hosts call it: `--advertise URL`",
        )
    })
}

/// What is looked at before a host is used. The private address is the cloud's choice and learned by the step.
pub(super) fn preflight(
    spec: &SovereignSpec,
    region: &Region,
    role: HostRole,
    metadata: bool,
) -> PreflightOrder {
    let (min_cpus, min_memory_mib, min_free_disk_mib) = least(role);
    PreflightOrder {
        min_cpus,
        min_memory_mib,
        min_free_disk_mib,
        private_range: private_range(&region.network),
        reach: spec.reach.clone(),
        metadata,
        ..PreflightOrder::default()
    }
}

/// What a host is to be. `index` counts from 1 in its group.
pub(super) fn config(
    spec: &SovereignSpec,
    region: &Region,
    hostname: &str,
    role: HostRole,
    index: u32,
) -> HostConfig {
    HostConfig {
        hostname: hostname.to_owned(),
        role,
        modules: ["br_netfilter", "overlay"].map(str::to_owned).to_vec(),
        sysctl: sysctl(),
        authorized_keys: spec.access.ssh_keys.clone(),
        firewall: spec.hardening.host_firewall.then(|| firewall(spec, region)),
        time_servers: Vec::new(),
        upgrades: spec.hardening.unattended_upgrades.then(|| upgrades(index)),
        fail2ban: spec.hardening.fail2ban,
        files: BTreeMap::new(),
        units: BTreeMap::new(),
    }
}

/// A host answers, and is what it is to be; then it has a seat in the cluster.
pub(super) fn steps<'a>(
    plan: &mut PlanBuilder,
    sovereign: &SovereignName,
    region: &'a Region,
    place: HostPlace,
    config: HostConfig,
    preflight: PreflightOrder,
    link: &StepRef<PrepareLink>,
) -> Result<Seat<'a>, PlanError> {
    let node = NodeId {
        sovereign: sovereign.clone(),
        node: config.hostname.clone(),
    };
    let name = &config.hostname;
    let after: Vec<StepName> = match &place {
        HostPlace::Server { server, .. } => vec![server.name().clone(), link.name().clone()],
        HostPlace::Machine(_) => vec![link.name().clone()],
    };
    let enrol = EnrolHost {
        node: node.clone(),
        place: place.clone(),
    };
    let title = format!("agent of {name} answers");
    let enrolled = plan.step(step_name("enrol", name), title, &enrol, &after)?;
    let title = format!("host {name} is fit and hardened");
    let step = step_name("host", name);
    let after = [enrolled.name().clone()];
    let role = config.role;
    let prepare = PrepareHost {
        node: node.clone(),
        enrolled,
        place: place.clone(),
        preflight,
        config,
    };
    let prepared = plan.step(step, title, &prepare, &after)?;
    Ok(Seat {
        node,
        role,
        region,
        place,
        prepared,
    })
}

/// What Kubernetes wants of a kernel; the last four are those that the kubelet protects.
fn sysctl() -> BTreeMap<String, String> {
    [
        ("net.ipv4.ip_forward", "1"),
        ("net.ipv6.conf.all.forwarding", "1"),
        ("fs.inotify.max_user_instances", "8192"),
        ("fs.inotify.max_user_watches", "524288"),
        ("vm.overcommit_memory", "1"),
        ("vm.panic_on_oom", "0"),
        ("kernel.panic", "10"),
        ("kernel.panic_on_oops", "1"),
    ]
    .map(|(key, value)| (key.to_owned(), value.to_owned()))
    .into()
}

/// The cloud does not filter private networks: what is not a node or a pod of this Sovereign stays out here.
fn firewall(spec: &SovereignSpec, region: &Region) -> HostFirewall {
    let pods = match &region.network {
        Network::Private { pods, .. } | Network::Public { pods, .. } => *pods,
    };
    HostFirewall {
        trusted: private_range(&region.network).into_iter().chain([pods]).collect(),
        admin: spec.access.admin_cidrs.clone(),
        open_tcp: OPEN.to_vec(),
    }
}

fn private_range(network: &Network) -> Option<Ipv4Net> {
    match network {
        Network::Private { cidr, .. } => Some(*cidr),
        Network::Public { .. } => None,
    }
}

/// Hosts of a group reboot one after the other.
fn upgrades(index: u32) -> Upgrades {
    let minutes = (index % UPGRADE_WINDOWS) * UPGRADE_STEP;
    let part = |value: u32| u8::try_from(value).unwrap_or_default();
    Upgrades {
        hour: part(UPGRADE_HOUR + minutes / 60),
        minute: part(minutes % 60),
        reboot: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_of_a_group_have_different_windows() {
        let windows: Vec<(u8, u8)> = (1..=12).map(upgrades).map(|w| (w.hour, w.minute)).collect();
        let mut different = windows.clone();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), windows.len());
        assert!(windows.iter().all(|(hour, _)| (1..5).contains(hour)));
    }

    #[test]
    fn one_server_of_all_makes_the_cluster() {
        assert_eq!(role(true, true, 1), HostRole::FirstControlPlane);
        for (control_plane, first, index) in [(true, true, 2), (true, false, 1)] {
            assert_eq!(role(control_plane, first, index), HostRole::ControlPlane);
        }
        assert_eq!(role(false, true, 1), HostRole::Worker);
    }
}
