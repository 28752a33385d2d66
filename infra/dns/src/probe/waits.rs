//! How long what servers said stays in caches.

use serde::Serialize;

use super::report::Evidence;
use super::seen::{DsSeen, NsSet};
use super::survey::set_of;

/// Longest time that a resolver keeps anything, in seconds; larger TTLs are taken for less (RFC 8767 section 4).
const WEEK: u32 = 604_800;

/// For how many seconds a cache may go on saying what was said now. All are upper bounds, from the TTLs that were seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Waits {
    /// The parent's word about the name servers.
    pub delegation: u32,
    /// The zone's own word about its name servers.
    pub name_servers: u32,
    /// Addresses of the name servers.
    pub addresses: u32,
    /// The parent's word about the keys.
    pub ds: u32,
    /// The zone's keys.
    pub keys: u32,
    /// That the parent does not know the name, or a record of it.
    pub negative_parent: u32,
    /// That the zone does not know a name, or a record of it.
    pub negative_zone: u32,
    /// Until every cache has forgotten what the parent and the zone say about the delegation now.
    pub until_forgotten: u32,
    /// Until every cache has forgotten that something was not there.
    pub until_negatives_forgotten: u32,
}

/// Waits by what was seen.
pub(super) fn waits(evidence: &Evidence) -> Waits {
    let sets = || evidence.parents.iter().filter_map(|parent| set_of(&parent.says));
    let own = || evidence.servers.iter().filter_map(|server| server.ns.seen());
    let glue = sets().map(|set: &NsSet| set.glue_ttl);
    let addresses = evidence.hosts.iter().map(|host| host.ttl).chain(glue);
    let ds = evidence.parents.iter().map(|parent| match parent.ds {
        DsSeen::Present { ttl, .. } => ttl,
        DsSeen::Absent | DsSeen::Unknown => 0,
    });
    let keys = evidence.servers.iter().filter_map(|server| server.keys.seen());
    let negative = evidence.servers.iter().filter_map(|server| server.soa.seen());
    let mut waits = Waits {
        delegation: longest(sets().map(|set| set.ttl)),
        name_servers: longest(own().map(|set| set.ttl)),
        addresses: longest(addresses),
        ds: longest(ds),
        keys: longest(keys.map(|keys| keys.ttl)),
        negative_parent: longest(evidence.parent_soa.iter().map(|soa| soa.negative_ttl)),
        negative_zone: longest(negative.map(|soa| soa.negative_ttl)),
        ..Waits::default()
    };
    waits.until_forgotten = longest(
        [
            waits.delegation,
            waits.name_servers,
            waits.addresses,
            waits.ds,
            waits.keys,
        ]
        .into_iter(),
    );
    waits.until_negatives_forgotten = waits.negative_parent.max(waits.negative_zone);
    waits
}

fn longest(times: impl Iterator<Item = u32>) -> u32 {
    times.max().unwrap_or_default().min(WEEK)
}
