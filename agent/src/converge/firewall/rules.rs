//! The rules as nft reads them.

use std::fmt::Display;

use ipnet::IpNet;
use sovereign_core::host::HostFirewall;

use crate::lines::lines;

/// Our table; no other table of the host is touched.
pub(super) const TABLE: &str = "sovereign";

/// One transaction: the table is made if it is not there, taken away with all it had, and made anew.
pub(super) fn render(firewall: &HostFirewall) -> String {
    let mut rules = vec![
        "iif \"lo\" accept".to_owned(),
        "ct state established,related accept".to_owned(),
        "ct state invalid drop".to_owned(),
        "meta l4proto { icmp, ipv6-icmp } accept".to_owned(),
        // Answers of a DHCP server come to the host as a broadcast that no connection is known for.
        "udp sport 67 udp dport 68 accept".to_owned(),
        "udp sport 547 udp dport 546 accept".to_owned(),
        // Pods speak to their own host from interfaces that only the host itself can make.
        "iifname { \"lxc*\", \"cilium_*\", \"cni*\" } accept".to_owned(),
    ];
    if !firewall.trusted.is_empty() {
        rules.push(format!("ip saddr {} accept", set(&firewall.trusted)));
    }
    let (v4, v6): (Vec<&IpNet>, Vec<&IpNet>) = firewall
        .admin
        .iter()
        .partition(|range| matches!(range, IpNet::V4(_)));
    for (family, ranges) in [("ip", v4), ("ip6", v6)] {
        if !ranges.is_empty() {
            rules.push(format!(
                "{family} saddr {} tcp dport {{ 22, 6443 }} accept",
                set(&ranges)
            ));
        }
    }
    if !firewall.open_tcp.is_empty() {
        rules.push(format!("tcp dport {} accept", set(&firewall.open_tcp)));
    }
    let body = lines(rules.iter().map(|rule| format!("\t\t{rule}")));
    format!(
        "table inet {TABLE}\ndelete table inet {TABLE}\ntable inet {TABLE} {{\n\
         \tchain input {{\n\t\ttype filter hook input priority filter; policy drop;\n{body}\t}}\n}}\n"
    )
}

/// Ranges may overlap in the document; nft takes an overlap in an anonymous set with a prefix only as `interval` and
/// merges it by itself, but refuses the same element twice.
fn set<T: Display>(items: &[T]) -> String {
    let mut words: Vec<String> = items.iter().map(ToString::to_string).collect();
    words.sort();
    words.dedup();
    format!("{{ {} }}", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lists_make_no_rule_and_families_are_apart() {
        let closed = render(&HostFirewall {
            trusted: vec![],
            admin: vec![],
            open_tcp: vec![],
        });
        assert!(!closed.contains("{  }"));
        assert!(!closed.contains("saddr"));
        let open = render(&HostFirewall {
            trusted: vec!["10.0.0.0/16".parse().unwrap(), "10.0.0.0/16".parse().unwrap()],
            admin: vec![
                "203.0.113.0/24".parse().unwrap(),
                "2001:db8::/32".parse().unwrap(),
            ],
            open_tcp: vec![443, 80],
        });
        assert!(open.contains("ip saddr { 10.0.0.0/16 } accept"));
        assert!(open.contains("ip saddr { 203.0.113.0/24 } tcp dport { 22, 6443 } accept"));
        assert!(open.contains("ip6 saddr { 2001:db8::/32 } tcp dport { 22, 6443 } accept"));
        assert!(open.contains("tcp dport { 443, 80 } accept"));
    }
}
