//! Rules that need more than one field.

use ipnet::Ipv4Net;

use super::node::Node;
use super::reader::{At, Reader};
use super::{KitProfile, Network, NodeSource, SovereignSpec};
use crate::finding::Severity;

/// Most members of a private network, the load balancer among them.
const MAX_MEMBERS: u32 = 100;

pub(super) fn check(reader: &mut Reader, root: &Node, spec: &SovereignSpec) {
    let root = At::root(root);
    let Some(regions) = root.get("regions") else {
        return;
    };
    let Some(items) = reader.list(&regions) else {
        return;
    };
    for (at, region) in items.iter().zip(&spec.regions) {
        ranges(reader, at, &region.network);
        members(reader, at, region);
        groups(reader, at, region);
        if region.control_plane.count == 1 {
            let at = at.get("controlPlane").unwrap_or_else(|| at.clone());
            reader.say(
                Severity::Note,
                &at,
                "control_plane.single",
                "one control plane server: its loss is the Sovereign's",
                "a control plane of three survives it",
            );
        }
    }
    twice(reader, &items, spec);
    machines(reader, &regions, spec);
    names(reader, &root, spec);
    kit(reader, &root, spec);
}

fn ranges(reader: &mut Reader, at: &At<'_>, network: &Network) {
    let at = at.get("network").unwrap_or_else(|| at.clone());
    let named: Vec<(&str, Ipv4Net)> = match network {
        Network::Private {
            cidr, pods, services, ..
        } => vec![("cidr", *cidr), ("pods", *pods), ("services", *services)],
        Network::Public { pods, services } => vec![("pods", *pods), ("services", *services)],
    };
    for (index, (name, range)) in named.iter().enumerate() {
        for (other, taken) in &named[..index] {
            if overlap(*range, *taken) {
                reader.error(
                    &at,
                    "cidr.clash",
                    format!("`{name}` {range} and `{other}` {taken} overlap"),
                    "give each a range of its own",
                );
            }
        }
    }
    let Network::Private { cidr, subnet, .. } = network else {
        return;
    };
    if !cidr.contains(subnet) {
        reader.error(
            &at,
            "cidr.subnet",
            format!("`subnet` {subnet} does not lie inside `cidr` {cidr}"),
            "choose a part of `cidr`",
        );
    }
    if cidr.contains(&std::net::Ipv4Addr::new(172, 31, 1, 1)) {
        reader.error(
            &at,
            "cidr.gateway",
            format!("`cidr` {cidr} holds 172.31.1.1, the cloud's own gateway"),
            "choose another range",
        );
    }
}

fn overlap(a: Ipv4Net, b: Ipv4Net) -> bool {
    a.contains(&b) || b.contains(&a)
}

fn members(reader: &mut Reader, at: &At<'_>, region: &super::Region) {
    let Network::Private { subnet, .. } = &region.network else {
        return;
    };
    // The limit is the cloud's; machines are in a network of their own.
    if matches!(region.control_plane.source, NodeSource::Machines(_)) {
        return;
    }
    let servers = region.control_plane.count + region.workers.iter().map(|group| group.count).sum::<u32>();
    let room = u32::try_from(subnet.hosts().count())
        .unwrap_or(u32::MAX)
        .saturating_sub(1);
    if servers + 1 > MAX_MEMBERS {
        let message = format!(
            "{servers} servers and a load balancer do not fit into a private network of {MAX_MEMBERS} members"
        );
        reader.error(
            at,
            "network.members",
            message,
            "write `network: {mode: public}`, or split the region",
        );
    } else if servers + 1 > room {
        let message = format!(
            "`subnet` {subnet} has room for {room} members; {servers} servers and a load balancer need more"
        );
        reader.error(at, "network.room", message, "choose a larger subnet");
    }
}

fn groups(reader: &mut Reader, at: &At<'_>, region: &super::Region) {
    for (index, group) in region.workers.iter().enumerate() {
        let taken = group.name == "cp"
            || region.workers[..index]
                .iter()
                .any(|other| other.name == group.name);
        if taken {
            reader.error(
                at,
                "workers.name",
                format!(
                    "two groups of region `{}` are named `{}`",
                    region.name, group.name
                ),
                "`cp` is the control plane's; give each group a name of its own",
            );
        }
    }
}

/// Regions do not share a name or a network range.
fn twice(reader: &mut Reader, items: &[At<'_>], spec: &SovereignSpec) {
    for (index, (at, region)) in items.iter().zip(&spec.regions).enumerate() {
        for other in &spec.regions[..index] {
            if other.name == region.name {
                reader.error(
                    at,
                    "region.name",
                    format!("two regions are named `{}`", region.name),
                    "give each region a name of its own",
                );
            }
            if let (Network::Private { cidr: a, .. }, Network::Private { cidr: b, .. }) =
                (&region.network, &other.network)
                && overlap(*a, *b)
            {
                reader.error(
                    at,
                    "cidr.clash",
                    format!(
                        "the networks of regions `{}` and `{}` overlap",
                        other.name, region.name
                    ),
                    "give each region a range of its own",
                );
            }
        }
    }
}

/// No machine is named twice.
fn machines(reader: &mut Reader, regions: &At<'_>, spec: &SovereignSpec) {
    let groups = spec
        .regions
        .iter()
        .flat_map(|region| std::iter::once(&region.control_plane).chain(&region.workers));
    let mut seen = std::collections::BTreeSet::new();
    for machine in groups.flat_map(super::NodeGroup::machines) {
        if !seen.insert((&machine.address, machine.port)) {
            reader.error(
                regions,
                "machine.twice",
                format!("machine `{}` has two places in the Sovereign", machine.address),
                "name each machine once",
            );
        }
    }
}

/// A Sovereign with names has somebody who answers for them.
fn names(reader: &mut Reader, root: &At<'_>, spec: &SovereignSpec) {
    let domain = root.get("domain").unwrap_or_else(|| root.clone());
    match (spec.domain.fqdn(), &spec.dns) {
        (Some(name), None) if spec.domain.parent_host().is_some() => reader.error(
            &domain,
            "dns.nobody",
            format!("no `dns`: there are no name servers that `{name}` could be delegated to"),
            "add `dns` with a PowerDNS server and the names of its name servers",
        ),
        (Some(name), None) => reader.say(
            Severity::Warning,
            &domain,
            "dns.nobody",
            format!("no `dns`: nobody is asked to answer for `{name}`"),
            "add `dns` with a PowerDNS server, or make the zone yourself",
        ),
        (None, Some(_)) => reader.error(
            &domain,
            "dns.no_name",
            "`dns` names servers, and the Sovereign has no name for them to answer for",
            "remove `dns`, or choose another domain mode than `none`",
        ),
        _ => {}
    }
}

fn kit(reader: &mut Reader, root: &At<'_>, spec: &SovereignSpec) {
    if spec.kit.profile != KitProfile::Solo && KitProfile::by_size(&spec.regions) == KitProfile::Solo {
        let at = root.get("kit").unwrap_or_else(|| root.clone());
        reader.error(
            &at,
            "kit.profile",
            "this profile keeps three copies and the control plane has one server",
            "write `controlPlane.count: 3` or `kit.profile: solo`",
        );
    }
}
