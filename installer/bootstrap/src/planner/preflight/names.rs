//! Every name the plan uses is a host name, used once, and free or ours.

use std::collections::BTreeSet;

use sovereign_cloud::label;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::spec::Network;

use super::Check;
use crate::names::{self, LONGEST};
use crate::planner::fingerprint::key_fingerprint;
use crate::planner::layout::RegionLayout;

/// Names of all regions, and of the SSH keys.
pub(super) fn check(check: &mut Check<'_>, layouts: &[RegionLayout<'_>]) {
    let mut seen = BTreeSet::new();
    for layout in layouts {
        for (kind, name) in wanted(layout) {
            if !names::is_host_name(&name) {
                let message = format!(
                    "{kind} `{name}` would have {} characters; a host name has at most {LONGEST}",
                    name.len()
                );
                check.error("name", &layout.path, message, "choose shorter names");
            }
            free(check, layout, kind, &name);
            if let Some((kind, name)) = seen.replace((kind, name)) {
                let message = format!("two things would be {kind} `{name}`");
                check.error("name", &layout.path, message, "rename a region or a group");
            }
        }
    }
    ssh_keys(check);
}

fn wanted(layout: &RegionLayout<'_>) -> Vec<(ResourceKind, String)> {
    let mut wanted = Vec::new();
    if matches!(layout.region.network, Network::Private { .. }) {
        wanted.push((ResourceKind::Network, layout.names.network()));
    }
    wanted.push((ResourceKind::Firewall, layout.names.firewall()));
    wanted.push((ResourceKind::LoadBalancer, layout.names.load_balancer()));
    for group in &layout.groups {
        wanted.extend(
            group
                .servers
                .iter()
                .map(|server| (ResourceKind::Server, server.name.clone())),
        );
        let shard = |shard| layout.names.placement_group(&group.group.name, shard);
        wanted.extend((1..=group.shards).map(|index| (ResourceKind::PlacementGroup, shard(index))));
    }
    wanted
}

fn free(check: &mut Check<'_>, layout: &RegionLayout<'_>, kind: ResourceKind, name: &str) {
    let Some(taken) = check.inventory.find(kind, name) else {
        return;
    };
    if label::belongs_to(&taken.labels, check.spec.name.as_str()) {
        return;
    }
    let owner = taken.labels.get(label::SOVEREIGN);
    let owner = owner.map_or_else(
        || "carries no Sovereign's label".into(),
        |owner| format!("belongs to `{owner}`"),
    );
    let message = format!("{taken} is there already and {owner}");
    check.error(
        "taken",
        &layout.path,
        message,
        "rename or remove it in the project, or choose another name",
    );
}

fn ssh_keys(check: &mut Check<'_>) {
    for (index, key) in check.spec.access.ssh_keys.iter().enumerate() {
        let fingerprint = key_fingerprint(key);
        let name = names::ssh_key(&check.spec.name, &fingerprint);
        let taken = check.inventory.find(ResourceKind::SshKey, &name);
        let equal = check
            .inventory
            .resources
            .iter()
            .any(|known| known.fingerprint.as_ref() == Some(&fingerprint));
        if taken.is_some() && !equal {
            let message = format!("SSH key `{name}` is there already and is another key");
            check.error(
                "taken",
                &format!("access.sshKeys[{index}]"),
                message,
                "remove it in the project",
            );
        }
    }
}
