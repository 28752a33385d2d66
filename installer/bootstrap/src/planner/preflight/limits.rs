//! Limits of the cloud that are the same in every project.

use std::collections::BTreeSet;

use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::spec::Network;

use super::Check;
use crate::planner::layout::{CONTROL_PLANE, RegionLayout};
use crate::planner::requests;

/// Most placement groups of a project.
const PLACEMENT_GROUPS: usize = 50;
/// Most members of a private network.
const MEMBERS: usize = 100;
/// Most rules of a firewall.
const RULES: usize = 50;
/// Most sources of a firewall rule.
const SOURCES: usize = 100;

/// The plan fits the cloud's fixed limits, with what is there already.
pub(super) fn check(check: &mut Check<'_>, layouts: &[RegionLayout<'_>]) {
    for layout in layouts {
        spread(check, layout);
        members(check, layout);
        rules(check, layout);
    }
}

/// Placement groups the project has room for, next to those of others.
pub(super) fn room_for_placement_groups(check: &Check<'_>) -> usize {
    let foreign = |resource: &&Resource| {
        resource.kind == ResourceKind::PlacementGroup
            && !label::belongs_to(&resource.labels, check.spec.name.as_str())
    };
    let others = check.inventory.resources.iter().filter(foreign).count();
    PLACEMENT_GROUPS.saturating_sub(others)
}

fn spread(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    for group in layout.groups.iter().filter(|group| group.unspread() > 0) {
        let message = format!(
            "{} servers of group `{}` find no room in the {PLACEMENT_GROUPS} placement groups of a project: \
             several of them may run on one host",
            group.unspread(),
            group.group.name
        );
        if group.role == CONTROL_PLANE {
            check.error("placement_groups", &group.path, message, "use another project");
        } else {
            let remedy =
                "use another project, or fewer servers, if each must survive the loss of another's host";
            check.warn("placement_groups", &group.path, message, remedy);
        }
    }
}

/// What the cluster itself put into the network takes places, too.
fn members(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    if !matches!(layout.region.network, Network::Private { .. }) {
        return;
    }
    let Some(network) = check
        .inventory
        .find(ResourceKind::Network, &layout.names.network())
    else {
        return;
    };
    let planned: BTreeSet<&str> = layout
        .groups
        .iter()
        .flat_map(|group| &group.servers)
        .map(|server| server.name.as_str())
        .collect();
    let balancer = layout.names.load_balancer();
    let others = check
        .inventory
        .resources
        .iter()
        .filter(|resource| resource.networks.contains(&network.id))
        .filter(|resource| !planned.contains(resource.name.as_str()) && resource.name != balancer)
        .count();
    let wanted = layout.servers() as usize + 1;
    if wanted + others > MEMBERS {
        let message = format!(
            "{wanted} members and the {others} others in the network exceed the {MEMBERS} of a private network"
        );
        check.error(
            "members",
            &format!("{}.network", layout.path),
            message,
            "make fewer servers, or split the region",
        );
    }
}

fn rules(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let rules = requests::firewall(check.spec, layout).rules;
    let sources = rules
        .iter()
        .map(|rule| rule.sources.len())
        .max()
        .unwrap_or_default();
    if rules.len() > RULES {
        let message = format!("{} firewall rules exceed {RULES}", rules.len());
        check.error("rules", &layout.path, message, "please report this with the spec");
    }
    if sources > SOURCES {
        let message = format!("{sources} ranges exceed the {SOURCES} of a firewall rule");
        check.error(
            "sources",
            "access.adminCidrs",
            message,
            "join neighbouring ranges into larger ones",
        );
    }
}
