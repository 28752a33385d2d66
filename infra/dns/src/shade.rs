//! Names that the wildcard at the top of a zone stops answering for, because something stands below them (RFC 4592 section 2.2.2).

use std::collections::BTreeMap;

use crate::name::DomainName;
use crate::record::RecordKind;
use crate::zone::Zone;

/// A name without records of its own that the wildcard would answer for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shade {
    /// The name.
    pub name: DomainName,
    /// What stands below it.
    pub by: DomainName,
    /// Of which kind.
    pub kind: RecordKind,
}

/// Every such name, once. Names that no host can have, such as `_tcp`, and those below a delegation are left out.
pub fn shades(zone: &Zone) -> Vec<Shade> {
    let mut shades = BTreeMap::new();
    for set in &zone.sets {
        let above = above(&set.name, &zone.name);
        if above.iter().any(|name| is_delegated(zone, name)) {
            continue;
        }
        let bare = above
            .into_iter()
            .filter(|name| name.is_host() && is_bare(zone, name));
        for name in bare {
            shades.entry(name.clone()).or_insert_with(|| Shade {
                name,
                by: set.name.clone(),
                kind: set.records.kind(),
            });
        }
    }
    shades.into_values().collect()
}

/// The names between one in a zone and the top of it.
fn above(name: &DomainName, top: &DomainName) -> Vec<DomainName> {
    let names = std::iter::successors(name.parent(), DomainName::parent);
    names
        .take_while(|name| name != top && name.is_within(top))
        .collect()
}

fn is_delegated(zone: &Zone, name: &DomainName) -> bool {
    zone.set(name, &RecordKind::Ns).is_some()
}

fn is_bare(zone: &Zone, name: &DomainName) -> bool {
    zone.sets.iter().all(|set| set.name != *name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{RecordSet, Records};
    use crate::zone::testing::zone;

    fn shaded(sets: &[(&str, &str, &str)]) -> Vec<String> {
        let set = |(name, kind, text): &(&str, &str, &str)| RecordSet {
            name: name.parse().unwrap(),
            ttl: 60,
            records: Records::read((*kind).into(), &[(*text).to_owned()].into()),
        };
        let zone = zone(sets.iter().map(set).collect());
        let shades = shades(&zone);
        shades
            .iter()
            .map(|shade| format!("{} by {} {}", shade.name, shade.by, shade.kind))
            .collect()
    }

    #[test]
    fn a_challenge_below_a_name_without_records_takes_it_from_the_wildcard() {
        let token = "\"token\"";
        assert_eq!(
            shaded(&[
                ("*.acme.example", "A", "192.0.2.1"),
                ("_acme-challenge.shop.acme.example", "TXT", token),
                ("_acme-challenge.a.b.acme.example", "TXT", token),
            ]),
            [
                "a.b.acme.example by _acme-challenge.a.b.acme.example TXT",
                "b.acme.example by _acme-challenge.a.b.acme.example TXT",
                "shop.acme.example by _acme-challenge.shop.acme.example TXT",
            ]
        );
        assert_eq!(
            shaded(&[
                ("_acme-challenge.acme.example", "TXT", token),
                ("_sip._tcp.acme.example", "SRV", "0 0 5060 sip.acme.example."),
                ("auth.acme.example", "A", "192.0.2.1"),
                ("_acme-challenge.auth.acme.example", "TXT", token),
                ("team.acme.example", "NS", "ns.team.acme.example."),
                ("ns.deep.team.acme.example", "A", "192.0.2.9"),
            ]),
            [""; 0]
        );
    }
}
