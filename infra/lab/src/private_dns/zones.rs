//! What stands in the zones that are there from the beginning.

use std::net::IpAddr;

use super::record_set::RecordSet;

/// The top level.
pub(super) const TOP: &str = "example.";
/// Whoever runs the name servers that Sovereigns' zones go to.
pub(super) const OPERATOR: &str = "operator.example.";
/// Where customers' zones were before.
pub(super) const HOSTING: &str = "hosting.example.";
/// Seconds that caches keep what does not change.
const LASTING: u32 = 3_600;

/// A name server: its name and its address.
pub(super) type Host = (String, IpAddr);

/// `label1.zone`, `label2.zone`, ... at addresses.
pub(super) fn hosts(label: &str, zone: &str, addresses: &[IpAddr]) -> Vec<Host> {
    let numbered = (1..).zip(addresses);
    numbered
        .map(|(number, address)| (format!("{label}{number}.{zone}"), *address))
        .collect()
}

/// A start of authority whose negative answers are kept as long as itself.
pub(super) fn soa(zone: &str, master: &str, ttl: u32) -> RecordSet {
    let data = format!("ns1.{master} hostmaster.{master} 1 10800 3600 1209600 {ttl}");
    RecordSet::new(zone, "SOA", ttl, &[data])
}

/// The start of a zone: its authority and its name servers, whose addresses are in it.
pub(super) fn apex(zone: &str, ttl: u32, hosts: &[Host]) -> Vec<RecordSet> {
    let mut sets = vec![soa(zone, zone, ttl)];
    sets.extend(leads_to(zone, ttl, hosts));
    sets
}

/// Name servers of a zone and their addresses.
fn leads_to(zone: &str, ttl: u32, hosts: &[Host]) -> Vec<RecordSet> {
    let names: Vec<&str> = hosts.iter().map(|(name, _)| name.as_str()).collect();
    let mut sets = vec![RecordSet::new(zone, "NS", ttl, &names)];
    sets.extend(
        hosts
            .iter()
            .map(|(name, address)| RecordSet::new(name, "A", ttl, &[address])),
    );
    sets
}

/// A delegation with glue and keys.
pub(super) fn delegation(zone: &str, ttl: u32, hosts: &[Host], ds: &[String]) -> Vec<RecordSet> {
    let mut sets = leads_to(zone, ttl, hosts);
    sets.push(RecordSet::new(zone, "DS", ttl, ds));
    sets
}

/// The zone of the root.
pub(super) fn root(address: IpAddr, top: &[Host], ds: &[String]) -> Vec<RecordSet> {
    let own = ("a.root.".to_owned(), address);
    let mut sets = vec![soa(".", "root.", LASTING)];
    sets.extend(leads_to(".", LASTING, &[own]));
    sets.extend(delegation(TOP, LASTING, top, ds));
    sets
}
