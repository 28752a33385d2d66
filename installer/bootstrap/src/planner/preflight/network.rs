//! Address ranges, the load balancer, and whether the region stands where it stood.

use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::spec::Network;

use super::Check;
use crate::planner::layout::RegionLayout;

/// Networks and the load balancer of a region.
pub(super) fn check(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    ranges(check, layout);
    standing(check, layout);
    balancer(check, layout);
}

fn ranges(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let Network::Private { cidr, .. } = &layout.region.network else {
        return;
    };
    let own = layout.names.network();
    let overlaps = |network: &&Resource| {
        network.name != own
            && network
                .ip_range
                .is_some_and(|range| range.contains(cidr) || cidr.contains(&range))
    };
    let networks = check
        .inventory
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Network);
    let clashes: Vec<String> = networks
        .filter(overlaps)
        .map(|network| format!("`{}`", network.name))
        .collect();
    if !clashes.is_empty() {
        check.warn(
            "cidr",
            &format!("{}.network.cidr", layout.path),
            format!("{cidr} overlaps with the project's {}", clashes.join(", ")),
            "fine while no machine is in both; choose another range otherwise",
        );
    }
}

/// Servers cannot be moved between networks by the way.
fn standing(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let path = format!("{}.network", layout.path);
    let own = check
        .inventory
        .find(ResourceKind::Network, &layout.names.network());
    let own = own.filter(|network| label::belongs_to(&network.labels, check.spec.name.as_str()));
    let servers = || {
        layout
            .groups
            .iter()
            .flat_map(|group| &group.servers)
            .filter_map(|server| server.present)
    };
    let changed = match (&layout.region.network, own) {
        (Network::Private { cidr, .. }, Some(network)) => {
            let range = network.ip_range.filter(|range| range != cidr);
            range.map(|range| format!("{network} is {range} and the spec says {cidr}"))
        }
        (Network::Private { .. }, None) => servers()
            .next()
            .map(|server| format!("{server} is there without the private network that the spec wants")),
        (Network::Public { .. }, Some(network)) => Some(format!(
            "the region stands on {network} and the spec says public addresses only"
        )),
        (Network::Public { .. }, None) => None,
    };
    if let Some(message) = changed {
        check.error(
            "network",
            &path,
            message,
            "write what is there, or destroy the Sovereign first",
        );
    }
}

fn balancer(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let present = check
        .inventory
        .find(ResourceKind::LoadBalancer, &layout.names.load_balancer());
    let flavor = present.and_then(|balancer| balancer.flavor.clone());
    let path = format!("{}.loadBalancer.types", layout.path);
    // Without a location the missing servers are the finding.
    let location = &layout.balancer.location;
    if flavor.is_none() && layout.balancer.flavor.is_empty() {
        if !location.is_empty() {
            let types = layout.region.load_balancer_types.join("`, `");
            let message = format!("no load balancer type of `{types}` is offered in `{location}`");
            check.error("load_balancer", &path, message, "name one that is offered there");
        }
        return;
    }
    let flavor = flavor.unwrap_or_else(|| layout.balancer.flavor.clone());
    let known = check
        .inventory
        .load_balancer_types
        .iter()
        .find(|known| known.name == flavor);
    let (most, targets) = (known.map_or(0, |known| known.max_targets), layout.targets());
    if targets > most {
        let message = format!(
            "load balancer type `{flavor}` takes {most} targets of {targets}; the others get no traffic from it"
        );
        check.warn(
            "targets",
            &path,
            message,
            "list a larger type, or let fewer servers take traffic",
        );
    }
}
