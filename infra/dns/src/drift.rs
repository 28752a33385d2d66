//! Drift: what a server has of a zone and what was wanted, record set by record set, with who is probably behind a difference.

use std::fmt;

use crate::name::DomainName;
use crate::record::{RecordKind, RecordSet};
use crate::trial;
use crate::zone::{Change, Zone, ZoneRequest};

/// What became of a record set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DriftKind {
    /// It is not there. It will be made again.
    Missing,
    /// It says something else, or may be cached for another time. It will be set back.
    Changed,
    /// It leads a name of ours elsewhere. It will be removed.
    Stray,
    /// Nobody here asked for it. It stays.
    Foreign,
}

/// Who probably wrote a record set that nobody here asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Author {
    /// Whoever proves to a certificate authority that the name is theirs (RFC 8555 section 8.4).
    CertificateIssuer,
    /// A controller that publishes the cluster's services and marks what is its own.
    ExternalDns,
    /// Whoever delegates a part of the zone.
    Delegation,
    /// This installer, whose trial of LUA records was cut off.
    Trial,
    /// A person, or software that leaves no mark.
    Somebody,
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CertificateIssuer => "a certificate issuer",
            Self::ExternalDns => "external-dns",
            Self::Delegation => "whoever delegated that name",
            Self::Trial => "a trial of LUA records that was cut off",
            Self::Somebody => "somebody by hand, or software that leaves no mark",
        })
    }
}

/// A record set that is not as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drift {
    /// Whose.
    pub name: DomainName,
    /// Which.
    pub kind: RecordKind,
    /// What became of it.
    pub drift: DriftKind,
    /// As wanted; none for what nobody here asked for.
    pub wanted: Option<RecordSet>,
    /// As the server has it; none where it is missing.
    pub found: Option<RecordSet>,
    /// Who probably wrote it.
    pub author: Author,
}

/// Every difference between a zone as wanted and as a server has it, ours first. The serial is the server's own.
pub fn drift(request: &ZoneRequest, zone: &Zone) -> Vec<Drift> {
    let changes = request.changes(zone);
    let mut drifts: Vec<Drift> = changes.iter().map(|change| ours(change, zone)).collect();
    let wanted = request.all_sets(zone.serial);
    let foreign = zone.sets.iter().filter(|set| {
        let kind = set.records.kind();
        let asked = wanted
            .iter()
            .any(|want| want.name == set.name && want.records.kind() == kind);
        !asked
            && !drifts
                .iter()
                .any(|drift| drift.name == set.name && drift.kind == kind)
    });
    let foreign: Vec<Drift> = foreign
        .map(|set| Drift {
            name: set.name.clone(),
            kind: set.records.kind(),
            drift: DriftKind::Foreign,
            wanted: None,
            found: Some(set.clone()),
            author: author(set, zone),
        })
        .collect();
    drifts.extend(foreign);
    drifts
}

fn ours(change: &Change, zone: &Zone) -> Drift {
    let (name, kind, wanted) = match change {
        Change::Replace(set) | Change::Mark(set, _) => (&set.name, set.records.kind(), Some(set)),
        Change::Remove { name, kind } => (name, kind.clone(), None),
    };
    let found = zone.set(name, &kind);
    let drift = match (wanted, found) {
        (Some(_), None) => DriftKind::Missing,
        (Some(_), Some(_)) => DriftKind::Changed,
        (None, _) => DriftKind::Stray,
    };
    Drift {
        name: name.clone(),
        kind,
        drift,
        wanted: wanted.cloned(),
        found: found.cloned(),
        author: found.map_or(Author::Somebody, |set| author(set, zone)),
    }
}

fn author(set: &RecordSet, zone: &Zone) -> Author {
    if trial::is_left(&zone.name, set) {
        return Author::Trial;
    }
    let challenge = set.name.labels().next() == Some("_acme-challenge");
    if challenge {
        return Author::CertificateIssuer;
    }
    if set.records.kind() == RecordKind::Ns || set.records.kind().as_str() == "DS" {
        return Author::Delegation;
    }
    if zone.sets.iter().any(|other| claims(other, set)) {
        return Author::ExternalDns;
    }
    Author::Somebody
}

/// Whether external-dns marks a record set as its own: a TXT record at the name itself, or below a prefix such as `a-`.
fn claims(mark: &RecordSet, set: &RecordSet) -> bool {
    let is_mark = mark.records.kind().as_str() == "TXT"
        && mark
            .records
            .texts()
            .iter()
            .any(|text| text.contains("heritage=external-dns"));
    let kind = set.records.kind().as_str().to_ascii_lowercase();
    let prefixed = format!("{kind}-{}", set.name);
    is_mark && (mark.name == set.name || mark.name.as_str() == prefixed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::record::Records;
    use crate::zone::ZoneMark;
    use crate::zone::testing::zone;
    use crate::{SovereignNames, sovereign_zone};

    fn request() -> ZoneRequest {
        sovereign_zone(&SovereignNames {
            mark: ZoneMark::of(&"acme".parse().unwrap()),
            apex: "acme.example".parse().unwrap(),
            nameservers: vec!["ns1.dns.example".parse().unwrap()],
            contact: "dns@acme.example".parse().unwrap(),
            ipv4: ["192.0.2.1".parse().unwrap()].into(),
            ipv6: BTreeSet::new(),
            caa: BTreeSet::new(),
            rule: None,
        })
        .unwrap()
    }

    fn set(name: &str, kind: &str, text: &str) -> RecordSet {
        RecordSet {
            name: name.parse().unwrap(),
            ttl: 300,
            records: Records::read(kind.into(), &[text.to_owned()].into()),
        }
    }

    fn lines(sets: Vec<RecordSet>) -> Vec<String> {
        let drifts = drift(&request(), &zone(sets));
        let line = |drift: &Drift| {
            format!(
                "{} {} {:?} {:?}",
                drift.name, drift.kind, drift.drift, drift.author
            )
        };
        drifts.iter().map(line).collect()
    }

    #[test]
    fn a_copy_has_no_drift() {
        assert_eq!(lines(request().all_sets(7)), [""; 0]);
    }

    #[test]
    fn every_kind_of_difference_has_its_word_and_its_author() {
        let mut sets = request().all_sets(7);
        sets.retain(|set| set.name.as_str() != "harbor.acme.example");
        for set in &mut sets {
            if set.name.as_str() == "api.acme.example" {
                set.ttl = 60;
            }
        }
        sets.extend([
            set("console.acme.example", "AAAA", "2001:db8::66"),
            set("_acme-challenge.acme.example", "TXT", "\"token\""),
            set("shop.acme.example", "A", "192.0.2.9"),
            set(
                "a-shop.acme.example",
                "TXT",
                "\"heritage=external-dns,external-dns/owner=default\"",
            ),
            set("team.acme.example", "NS", "ns.team.example."),
            set("www.acme.example", "A", "192.0.2.10"),
        ]);
        let wanted = [
            "console.acme.example AAAA Stray Somebody",
            "api.acme.example A Changed Somebody",
            "harbor.acme.example A Missing Somebody",
            "_acme-challenge.acme.example TXT Foreign CertificateIssuer",
            "shop.acme.example A Foreign ExternalDns",
            "a-shop.acme.example TXT Foreign ExternalDns",
            "team.acme.example NS Foreign Delegation",
            "www.acme.example A Foreign Somebody",
        ];
        assert_eq!(lines(sets), wanted);
    }
}
