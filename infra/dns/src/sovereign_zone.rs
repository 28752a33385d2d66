//! The zone of a Sovereign.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::mailbox::Mailbox;
use crate::name::{DomainName, DomainNameError};
use crate::record::{Caa, LuaRecord, LuaRule, RecordSet, Records, Soa};
use crate::zone::{ZoneMark, ZoneRequest};

/// Names in the zone that lead to the Sovereign, relative to its apex; the empty one is the apex itself.
///
/// The wildcard answers for everything else. The others are written out although it covers them: a TXT record below one of
/// them, such as an ACME challenge, would otherwise make the wildcard stop answering for it (RFC 4592 section 2.2.2).
pub const NAMES: [&str; 7] = ["", "*", "console", "api", "auth", "gitea", "harbor"];

/// Addresses may change with a load balancer; they are cached for minutes.
const ADDRESS_TTL: u32 = 300;
/// What hardly ever changes.
const LASTING_TTL: u32 = 3_600;
/// Long enough for registries that demand 180 s, short enough for a name that was asked for too early.
const NEGATIVE_TTL: u32 = 300;

/// What the zone of a Sovereign is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SovereignNames {
    /// Whose it is.
    pub mark: ZoneMark,
    /// The Sovereign's name in DNS.
    pub apex: DomainName,
    /// Name servers of the zone; changes come from the first.
    pub nameservers: Vec<DomainName>,
    /// Who is in charge of it.
    pub contact: Mailbox,
    /// IPv4 addresses of the load balancers.
    pub ipv4: BTreeSet<Ipv4Addr>,
    /// IPv6 addresses of the load balancers.
    pub ipv6: BTreeSet<Ipv6Addr>,
    /// Who may issue certificates; anybody where this is empty.
    pub caa: BTreeSet<Caa>,
    /// How the servers choose among the addresses when they are asked; all of them where there is no rule.
    pub rule: Option<LuaRule>,
}

impl SovereignNames {
    fn addresses(&self) -> BTreeSet<IpAddr> {
        let ipv4 = self.ipv4.iter().copied().map(IpAddr::V4);
        ipv4.chain(self.ipv6.iter().copied().map(IpAddr::V6)).collect()
    }
}

/// The zone: start of authority, name servers, and the addresses of [`NAMES`].
///
/// It is signed by one ECDSA P-256 key. Names that do not exist are proven by NSEC, as RFC 9276 advises: with a wildcard at the
/// apex and well-known names below it there is nothing to hide, and NSEC3 would cost every validator its hashes.
pub fn sovereign_zone(names: &SovereignNames) -> Result<ZoneRequest, DomainNameError> {
    let apex = &names.apex;
    let mut sets = vec![RecordSet {
        name: apex.clone(),
        ttl: LASTING_TTL,
        records: Records::Ns(names.nameservers.iter().cloned().collect()),
    }];
    if !names.caa.is_empty() {
        sets.push(RecordSet {
            name: apex.clone(),
            ttl: ADDRESS_TTL,
            records: Records::Caa(names.caa.clone()),
        });
    }
    for name in served_names(apex)? {
        let mut add = |records| {
            sets.push(RecordSet {
                name: name.clone(),
                ttl: ADDRESS_TTL,
                records,
            });
        };
        if let Some(rule) = &names.rule {
            add(Records::Lua(LuaRecord::choosing(rule, &names.addresses())));
            continue;
        }
        if !names.ipv4.is_empty() {
            add(Records::A(names.ipv4.clone()));
        }
        if !names.ipv6.is_empty() {
            add(Records::Aaaa(names.ipv6.clone()));
        }
    }
    Ok(ZoneRequest {
        name: apex.clone(),
        mark: names.mark.clone(),
        soa: Soa {
            primary: names.nameservers.first().unwrap_or(apex).clone(),
            contact: names.contact.clone(),
            serial: 0,
            refresh: 10_800,
            retry: 3_600,
            expire: 1_209_600,
            negative_ttl: NEGATIVE_TTL,
        },
        soa_ttl: LASTING_TTL,
        sets,
    })
}

/// [`NAMES`] below an apex.
pub fn served_names(apex: &DomainName) -> Result<Vec<DomainName>, DomainNameError> {
    let below = |name: &&str| match *name {
        "" => Ok(apex.clone()),
        name => apex.child(name),
    };
    NAMES.iter().map(below).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::RecordKind;
    use crate::transfer::Distribution;
    use crate::zone::{Change, Zone, ZoneSettings};

    fn names() -> SovereignNames {
        SovereignNames {
            mark: ZoneMark::of(&"acme".parse().unwrap()),
            apex: "acme.example".parse().unwrap(),
            nameservers: ["ns1.dns.example", "ns2.dns.example"]
                .map(|name| name.parse().unwrap())
                .into(),
            contact: "first.last@acme.example".parse().unwrap(),
            ipv4: ["192.0.2.1".parse().unwrap()].into(),
            ipv6: ["2001:db8::1".parse().unwrap()].into(),
            caa: [Caa::issue("letsencrypt.org").unwrap()].into(),
            rule: None,
        }
    }

    /// A server's copy of the zone.
    fn copy(request: &ZoneRequest) -> Zone {
        Zone {
            name: request.name.clone(),
            owner: request.mark.to_string(),
            serial: 7,
            settings: ZoneSettings {
                signed: true,
                rectified: true,
                serial_moves: true,
                keys_told: true,
            },
            distribution: Distribution::native(),
            sets: request.all_sets(7),
        }
    }

    /// A challenge below a host of the kit must not make it vanish.
    #[test]
    fn every_host_of_the_kit_is_written_out() {
        let kit = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tera-templates/kit/components");
        let mut hosts = BTreeSet::new();
        for file in std::fs::read_dir(kit).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for (at, _) in text.match_indices(".${SOVEREIGN_FQDN}") {
                let is_label = |c: char| c.is_ascii_alphanumeric() || "-*".contains(c);
                let label = text[..at].rsplit(|c| !is_label(c)).next().unwrap();
                hosts.insert(label.to_owned());
            }
        }
        assert!(hosts.len() > 2, "{hosts:?}");
        for host in hosts {
            assert!(NAMES.contains(&&*host), "{host} is covered by the wildcard alone");
        }
    }

    #[test]
    fn the_zone_in_words() {
        let zone = sovereign_zone(&names()).unwrap();
        let lines: Vec<String> = zone
            .all_sets(7)
            .iter()
            .map(|set| format!("{} {set}", set.ttl))
            .collect();
        let mut wanted = vec![
            "3600 `acme.example` SOA = ns1.dns.example. first\\.last.acme.example. 7 10800 3600 1209600 300"
                .to_owned(),
            "3600 `acme.example` NS = ns1.dns.example., ns2.dns.example.".to_owned(),
            "300 `acme.example` CAA = 0 issue \"letsencrypt.org\"".to_owned(),
        ];
        for name in ["", "*.", "console.", "api.", "auth.", "gitea.", "harbor."] {
            wanted.push(format!("300 `{name}acme.example` A = 192.0.2.1"));
            wanted.push(format!("300 `{name}acme.example` AAAA = 2001:db8::1"));
        }
        assert_eq!(lines, wanted);
    }

    #[test]
    fn a_family_without_addresses_has_no_records() {
        let zone = sovereign_zone(&SovereignNames {
            ipv6: BTreeSet::new(),
            ..names()
        })
        .unwrap();
        assert!(zone.sets.iter().all(|set| set.records.kind() != RecordKind::Aaaa));
    }

    #[test]
    fn a_copy_needs_no_change_and_strangers_stay() {
        let request = sovereign_zone(&names()).unwrap();
        let mut zone = copy(&request);
        zone.sets.push(RecordSet {
            name: "_acme-challenge.acme.example".parse().unwrap(),
            ttl: 60,
            records: Records::read("TXT".into(), &["\"token\"".to_owned()].into()),
        });
        assert_eq!(request.changes(&zone), []);
    }

    #[test]
    fn moved_addresses_are_replaced_and_those_of_a_lost_family_removed() {
        let zone = copy(&sovereign_zone(&names()).unwrap());
        let moved = SovereignNames {
            ipv4: ["192.0.2.2".parse().unwrap()].into(),
            ipv6: BTreeSet::new(),
            ..names()
        };
        let changes = sovereign_zone(&moved).unwrap().changes(&zone);
        let removed = changes.iter().filter(|change| {
            matches!(
                change,
                Change::Remove {
                    kind: RecordKind::Aaaa,
                    ..
                }
            )
        });
        assert_eq!(removed.count(), NAMES.len());
        let replaced = changes
            .iter()
            .filter(|change| matches!(change, Change::Replace(set) if set.records.kind() == RecordKind::A));
        assert_eq!(replaced.count(), NAMES.len());
        assert_eq!(changes.len(), 2 * NAMES.len());
    }

    #[test]
    fn a_replaced_start_of_authority_goes_on_from_the_servers_serial() {
        let mut zone = copy(&sovereign_zone(&names()).unwrap());
        zone.serial = 42;
        let moved = SovereignNames {
            contact: "other@acme.example".parse().unwrap(),
            ..names()
        };
        let changes = sovereign_zone(&moved).unwrap().changes(&zone);
        let [
            Change::Replace(RecordSet {
                records: Records::Soa(soa),
                ..
            }),
        ] = &changes[..]
        else {
            panic!("{changes:?}")
        };
        assert_eq!(soa.serial, 42);
    }
}
