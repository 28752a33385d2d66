//! Names of what a Sovereign is made of: `<sovereign>-<region>-<what>`, all of them host names.
//!
//! | resource | name |
//! | --- | --- |
//! | private network | `acme-eu-net` |
//! | firewall | `acme-eu-fw` |
//! | load balancer | `acme-eu-lb` |
//! | control plane server | `acme-eu-cp-1` |
//! | worker of group `pool` | `acme-eu-pool-7` |
//! | placement group of it | `acme-eu-pool-spread-1` |
//! | SSH key | `acme-key-1f2e3d4c`, by its fingerprint |
//!
//! A name alone never says whose a resource is; the label does, compared whole.

use sovereign_cloud::label;
use sovereign_core::name::SovereignName;

/// Longest host name label, RFC 1123.
pub const LONGEST: usize = 63;

/// Names of one region's resources.
#[derive(Debug, Clone)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// Names in a region of a Sovereign.
    pub fn new(sovereign: &SovereignName, region: &str) -> Self {
        Self {
            prefix: format!("{sovereign}-{region}"),
        }
    }

    /// The private network.
    pub fn network(&self) -> String {
        format!("{}-net", self.prefix)
    }

    /// The firewall of every server.
    pub fn firewall(&self) -> String {
        format!("{}-fw", self.prefix)
    }

    /// The load balancer.
    pub fn load_balancer(&self) -> String {
        format!("{}-lb", self.prefix)
    }

    /// A server; `index` counts from 1.
    pub fn server(&self, group: &str, index: u32) -> String {
        format!("{}-{group}-{index}", self.prefix)
    }

    /// The group and index of a server's name, if it has the form of [`Names::server`].
    pub fn parse_server<'n>(&self, name: &'n str) -> Option<(&'n str, u32)> {
        let (group, index) = name
            .strip_prefix(&self.prefix)?
            .strip_prefix('-')?
            .rsplit_once('-')?;
        let index: u32 = index.parse().ok()?;
        (!group.is_empty() && self.server(group, index) == name).then_some((group, index))
    }

    /// A placement group; `shard` counts from 1.
    pub fn placement_group(&self, group: &str, shard: u32) -> String {
        format!("{}-{group}-spread-{shard}", self.prefix)
    }
}

/// An SSH key of a Sovereign, named by its fingerprint so that the order of keys in the spec means nothing.
pub fn ssh_key(sovereign: &SovereignName, fingerprint: &str) -> String {
    let digits: String = fingerprint
        .chars()
        .filter(char::is_ascii_hexdigit)
        .take(8)
        .collect();
    format!("{sovereign}-key-{digits}")
}

/// Selects a Sovereign's servers of a role in a region.
pub fn selector(sovereign: &SovereignName, region: &str, role: &str) -> String {
    format!(
        "{}={sovereign},{}={region},{}={role}",
        label::SOVEREIGN,
        label::REGION,
        label::ROLE
    )
}

/// Whether a name is a host name label: RFC 1123, at most 63 characters.
pub fn is_host_name(name: &str) -> bool {
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.len() <= LONGEST && name.starts_with(edge) && name.ends_with(edge) && name.chars().all(inside)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        Names::new(&"acme".parse().expect("a name"), "eu")
    }

    #[test]
    fn names_say_what_they_name() {
        let names = names();
        assert_eq!(names.network(), "acme-eu-net");
        assert_eq!(names.server("cp", 1), "acme-eu-cp-1");
        assert_eq!(names.placement_group("pool", 2), "acme-eu-pool-spread-2");
        assert!(is_host_name(&names.server("pool", 500)));
    }

    #[test]
    fn only_our_own_form_of_a_server_name_is_read_back() {
        let names = names();
        assert_eq!(names.parse_server("acme-eu-pool-7"), Some(("pool", 7)));
        assert_eq!(names.parse_server("acme-eu-big-pool-12"), Some(("big-pool", 12)));
        for other in [
            "acme-eu2-pool-7",
            "acme-eu-pool-07",
            "acme-eu-pool-5f1c",
            "acme-eu-7",
            "acme2-eu-pool-7",
        ] {
            assert_eq!(names.parse_server(other), None, "{other}");
        }
    }

    #[test]
    fn host_names_are_told_from_others() {
        assert!(is_host_name("a-1"));
        for bad in ["", "-a", "a-", "A", "a_b", &"a".repeat(64)] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }
}
