//! Whether the nodes of a cluster will reach each other.

use std::net::Ipv4Addr;

use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::{Machine, Network, SovereignSpec};

use crate::link::Until;

/// What is to be said of servers of a cloud. Firewalls let nodes in to each other by the range of the one private network that they
/// are in; a plan that ends before there is a cluster is not kept from anything.
pub(super) fn check(spec: &SovereignSpec, until: &Until) -> Option<Finding> {
    let severity = match until.files() {
        Some(_) => Severity::Error,
        None => Severity::Warning,
    };
    let (path, why, remedy) = apart(spec)?;
    let message = format!("{why}, so that they will not make one cluster");
    Some(Finding::new(
        severity,
        "preflight.nodes.apart",
        path,
        message,
        remedy,
    ))
}

/// Why nodes do not reach each other, where it says so in the spec, and what to write instead.
fn apart(spec: &SovereignSpec) -> Option<(String, String, &'static str)> {
    if let [_, second, ..] = spec.regions.as_slice() {
        return Some((
            "regions[1]".into(),
            format!(
                "the nodes of `{}` are in another network than those of the first region",
                second.name
            ),
            "make a Sovereign of each region",
        ));
    }
    let region = spec.regions.first()?;
    let workers = region.workers.iter().map(|group| group.count);
    let nodes = region.control_plane.count + workers.sum::<u32>();
    (matches!(region.network, Network::Public { .. }) && nodes > 1).then(|| {
        (
            "regions[0].network.mode".into(),
            format!("the {nodes} nodes of `{}` have public addresses only, and every firewall keeps one node's API, etcd and kubelet from another", region.name),
            "write `private`, which takes up to 99 servers",
        )
    })
}

/// What is to be said of machines: their firewalls know each other by IPv4 address.
pub(super) fn unknown<'a>(machines: impl Iterator<Item = (&'a str, &'a Machine)>) -> Vec<Finding> {
    let machines: Vec<_> = machines.collect();
    if machines.len() < 2 {
        return Vec::new();
    }
    let unknown = machines
        .iter()
        .filter(|(_, machine)| machine.address.parse::<Ipv4Addr>().is_err());
    let finding = |(path, machine): &(&str, &Machine)| {
        Finding::new(
            Severity::Warning,
            "preflight.machine.unknown",
            *path,
            format!(
                "the firewalls of the other machines do not know the address of {}, so that it cannot join them",
                machine.address
            ),
            "write its IPv4 address in place of its name, or have `access.adminCidrs` include it",
        )
    };
    unknown.map(finding).collect()
}
