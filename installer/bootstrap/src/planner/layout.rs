//! What a region comes to in this account: servers by name, those that are there already, choices that can be had.

use sovereign_cloud::inventory::Inventory;
use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::name::SovereignName;
use sovereign_core::spec::{Candidate, NodeGroup, Region};

use crate::names::Names;
use crate::steps::ServerChoice;

/// Role of control plane servers.
pub(super) const CONTROL_PLANE: &str = "control-plane";
/// Role of workers.
pub(super) const WORKER: &str = "worker";
/// Most servers of a placement group.
const SHARD: u32 = 10;

/// A server of a plan.
#[derive(Debug)]
pub(super) struct PlannedServer<'a> {
    pub(super) name: String,
    /// From 1.
    pub(super) index: u32,
    /// It is there already, and ours.
    pub(super) present: Option<&'a Resource>,
}

/// A choice that is passed over.
#[derive(Debug)]
pub(super) struct PassedOver {
    pub(super) candidate: Candidate,
    pub(super) why: String,
}

/// A group with what the account says about it.
#[derive(Debug)]
pub(super) struct GroupLayout<'a> {
    /// Its place in the spec.
    pub(super) path: String,
    pub(super) group: &'a NodeGroup,
    pub(super) role: &'static str,
    /// In the spec's order; at least one where a server has to be made.
    pub(super) choices: Vec<ServerChoice>,
    pub(super) passed_over: Vec<PassedOver>,
    pub(super) servers: Vec<PlannedServer<'a>>,
    /// Placement groups it gets; servers beyond them are not spread.
    pub(super) shards: u32,
}

impl GroupLayout<'_> {
    /// Servers that have to be made.
    pub(super) fn missing(&self) -> usize {
        self.servers
            .iter()
            .filter(|server| server.present.is_none())
            .count()
    }

    /// Servers that no placement group has room for.
    pub(super) fn unspread(&self) -> u32 {
        if self.shards == shards_for(self.group.count) {
            0
        } else {
            self.group.count.saturating_sub(self.shards * SHARD)
        }
    }
}

/// Placement groups that so many servers need. A single server needs none.
fn shards_for(servers: u32) -> u32 {
    if servers < 2 { 0 } else { servers.div_ceil(SHARD) }
}

/// Shares out the placement groups that the project has room for: control planes first, then workers in the spec's order.
pub(super) fn share_placement_groups(layouts: &mut [RegionLayout<'_>], room: usize) {
    let mut room = u32::try_from(room).unwrap_or(u32::MAX);
    for role in [CONTROL_PLANE, WORKER] {
        let groups = layouts.iter_mut().flat_map(|layout| &mut layout.groups);
        for group in groups.filter(|group| group.role == role) {
            group.shards = shards_for(group.group.count).min(room);
            room -= group.shards;
        }
    }
}

/// The placement group, from 0, of the server with that index, from 1.
pub(super) fn shard(index: u32) -> usize {
    (index.saturating_sub(1) / SHARD) as usize
}

/// The load balancer's type and location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BalancerChoice {
    pub(super) flavor: String,
    pub(super) location: String,
}

/// A region with what the account says about it.
#[derive(Debug)]
pub(super) struct RegionLayout<'a> {
    /// Its place in the spec.
    pub(super) path: String,
    pub(super) region: &'a Region,
    pub(super) names: Names,
    /// The control plane's; private networks do not leave it.
    pub(super) network_zone: String,
    pub(super) balancer: BalancerChoice,
    /// Control plane first.
    pub(super) groups: Vec<GroupLayout<'a>>,
}

impl RegionLayout<'_> {
    /// The role whose servers take the world's traffic.
    pub(super) fn ingress_role(&self) -> &'static str {
        if self.count(WORKER) > 0 {
            WORKER
        } else {
            CONTROL_PLANE
        }
    }

    /// Servers that take the world's traffic.
    pub(super) fn targets(&self) -> u32 {
        self.count(self.ingress_role())
    }

    /// Servers of every role.
    pub(super) fn servers(&self) -> u32 {
        self.groups.iter().map(|group| group.group.count).sum()
    }

    fn count(&self, role: &str) -> u32 {
        self.groups
            .iter()
            .filter(|group| group.role == role)
            .map(|group| group.group.count)
            .sum()
    }
}

/// The servers of a group, by name, with those that are there and ours.
pub(super) fn servers<'a>(
    sovereign: &SovereignName,
    names: &Names,
    group: &NodeGroup,
    inventory: &'a Inventory,
) -> Vec<PlannedServer<'a>> {
    let server = |index| {
        let name = names.server(&group.name, index);
        let present = inventory
            .find(ResourceKind::Server, &name)
            .filter(|server| label::belongs_to(&server.labels, sovereign.as_str()));
        PlannedServer { name, index, present }
    };
    (1..=group.count).map(server).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placement_group_takes_ten() {
        assert_eq!([1, 10, 11, 20, 21, 500].map(shard), [0, 0, 1, 1, 2, 49]);
    }
}
