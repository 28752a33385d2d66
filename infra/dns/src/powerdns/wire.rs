//! The API's JSON (<https://doc.powerdns.com/authoritative/http-api/>). Unknown fields are ignored, as releases add some.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use serde::{Deserialize, Serialize};

use crate::host::{Capabilities, Version, ZoneKey};
use crate::name::DomainName;
use crate::record::{Ds, RecordSet, Records};
use crate::transfer::{Distribution, Role};
use crate::zone::{Change, MarkedSet, SetMark, Zone, ZoneSettings};

/// Value of `soa_edit_api`: every change by the API adds one to the serial. `EPOCH` would not move twice within a second, and
/// values of `soa_edit` such as `INCEPTION-EPOCH` are accepted here and do nothing.
pub(super) const SERIAL_MOVES: &str = "INCREASE";
/// The digest to publish; SHA-1 is obsolete and a second digest only makes answers longer (RFC 8624 section 3.3).
const SHA256: u8 = 2;

/// Metadata that makes the server answer for CDS, by the one digest that is published, and for CDNSKEY.
pub(super) const TELL_KEYS: [(&str, &str); 2] = [("PUBLISH-CDS", "2"), ("PUBLISH-CDNSKEY", "1")];

/// Metadata that says who is told of changes.
pub(super) const ALSO_NOTIFY: &str = "ALSO-NOTIFY";

/// A zone's metadata: values by kind.
pub(super) type Metadata = BTreeMap<String, Vec<String>>;

#[derive(Debug, Deserialize)]
pub(super) struct MetadataAnswer {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) metadata: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServerAnswer {
    pub(super) daemon_type: String,
    pub(super) version: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SettingAnswer {
    pub(super) name: String,
    pub(super) value: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorAnswer {
    pub(super) error: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ListedZone {
    pub(super) name: String,
    #[serde(default)]
    pub(super) account: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ZoneAnswer {
    name: String,
    #[serde(default)]
    account: String,
    serial: u32,
    dnssec: bool,
    #[serde(default)]
    api_rectify: bool,
    #[serde(default)]
    soa_edit_api: String,
    #[serde(default)]
    rrsets: Vec<SetBody>,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    masters: Vec<String>,
    #[serde(default)]
    master_tsig_key_ids: Vec<String>,
    #[serde(default)]
    slave_tsig_key_ids: Vec<String>,
    #[serde(default)]
    catalog: String,
}

impl ZoneAnswer {
    /// None if the name is none.
    pub(super) fn into_zone(self, metadata: &Metadata) -> Option<Zone> {
        let tells =
            |(kind, value): &(&str, &str)| metadata.get(*kind).is_some_and(|values| values == &[*value]);
        Some(Zone {
            name: self.name.parse().ok()?,
            distribution: self.distribution(metadata),
            owner: self.account,
            serial: self.serial,
            settings: ZoneSettings {
                signed: self.dnssec,
                rectified: self.api_rectify,
                serial_moves: self.soa_edit_api.eq_ignore_ascii_case(SERIAL_MOVES),
                keys_told: TELL_KEYS.iter().all(tells),
            },
            sets: self.rrsets.iter().filter_map(SetBody::to_set).collect(),
        })
    }

    /// Record sets with their marks. Asked for one name, 4.7 adds the comments of all others, without records.
    pub(super) fn marked_sets(&self, at: Option<&DomainName>) -> Vec<MarkedSet> {
        let filled = self.rrsets.iter().filter(|set| !set.records.is_empty());
        let marked = filled.filter_map(|body| {
            Some(MarkedSet {
                set: body.to_set()?,
                mark: body.mark(),
            })
        });
        marked
            .filter(|marked| at.is_none_or(|at| marked.set.name == *at))
            .collect()
    }

    fn distribution(&self, metadata: &Metadata) -> Distribution {
        let role = role_of(&self.kind);
        let takes = matches!(role, Role::Secondary | Role::Consumer);
        let keys = if takes {
            &self.slave_tsig_key_ids
        } else {
            &self.master_tsig_key_ids
        };
        let notifies = metadata.get(ALSO_NOTIFY).into_iter().flatten();
        Distribution {
            role,
            keys: keys.iter().filter_map(|key| key.parse().ok()).collect(),
            notifies: notifies.filter_map(|text| address(text)).collect(),
            primaries: self.masters.iter().filter_map(|text| address(text)).collect(),
            catalog: self.catalog.parse::<DomainName>().ok(),
        }
    }
}

/// An address with or without a port, as the server's settings have them.
fn address(text: &str) -> Option<SocketAddr> {
    let port = |address: IpAddr| SocketAddr::new(address, 53);
    text.parse().ok().or_else(|| text.parse().ok().map(port))
}

/// A zone's kind, as the API calls it.
pub(super) fn kind_of(role: Role) -> &'static str {
    match role {
        Role::Native => "Native",
        Role::Primary => "Master",
        Role::Secondary => "Slave",
        Role::Producer => "Producer",
        Role::Consumer => "Consumer",
    }
}

fn role_of(kind: &str) -> Role {
    let roles = [Role::Primary, Role::Secondary, Role::Producer, Role::Consumer];
    let role = roles
        .into_iter()
        .find(|role| kind_of(*role).eq_ignore_ascii_case(kind));
    role.unwrap_or(Role::Native)
}

/// A record set, both ways.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SetBody {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changetype: Option<String>,
    #[serde(default)]
    records: Vec<RecordBody>,
    /// Left out, those that are there stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comments: Option<Vec<CommentBody>>,
}

/// Where a mark is kept.
#[derive(Debug, Serialize, Deserialize)]
struct CommentBody {
    content: String,
    account: String,
}

/// Stands before the generation in a mark's text.
const GENERATION: &str = "generation ";

impl From<&SetMark> for CommentBody {
    fn from(mark: &SetMark) -> Self {
        Self {
            content: format!("{GENERATION}{}", mark.generation),
            account: mark.owner.clone(),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct RecordBody {
    content: String,
    #[serde(default)]
    disabled: bool,
}

impl SetBody {
    /// The first comment that has the form of a mark.
    fn mark(&self) -> Option<SetMark> {
        let read = |comment: &CommentBody| {
            let generation = comment.content.strip_prefix(GENERATION)?.parse().ok()?;
            Some(SetMark {
                owner: comment.account.clone(),
                generation,
            })
        };
        self.comments.iter().flatten().find_map(read)
    }

    fn to_set(&self) -> Option<RecordSet> {
        let enabled = self.records.iter().filter(|record| !record.disabled);
        let texts: BTreeSet<String> = enabled.map(|record| record.content.clone()).collect();
        Some(RecordSet {
            name: self.name.parse().ok()?,
            ttl: self.ttl?,
            records: Records::read(self.kind.as_str().into(), &texts),
        })
    }
}

impl From<&RecordSet> for SetBody {
    fn from(set: &RecordSet) -> Self {
        let texts = set.records.texts().into_iter();
        Self {
            name: set.name.absolute(),
            kind: set.records.kind().to_string(),
            ttl: Some(set.ttl),
            changetype: None,
            records: texts
                .map(|content| RecordBody {
                    content,
                    disabled: false,
                })
                .collect(),
            comments: None,
        }
    }
}

impl From<&Change> for SetBody {
    fn from(change: &Change) -> Self {
        match change {
            Change::Replace(set) => Self {
                changetype: Some("REPLACE".to_owned()),
                ..Self::from(set)
            },
            Change::Mark(set, mark) => Self {
                changetype: Some("REPLACE".to_owned()),
                comments: Some(vec![mark.into()]),
                ..Self::from(set)
            },
            Change::Remove { name, kind } => Self {
                name: name.absolute(),
                kind: kind.to_string(),
                ttl: None,
                changetype: Some("DELETE".to_owned()),
                records: Vec::new(),
                comments: None,
            },
        }
    }
}

#[derive(Debug, Deserialize)]
pub(super) struct KeyAnswer {
    id: u64,
    active: bool,
    dnskey: String,
    #[serde(default)]
    ds: Vec<String>,
}

impl From<KeyAnswer> for ZoneKey {
    fn from(answer: KeyAnswer) -> Self {
        let ds = answer.ds.iter().filter_map(|text| text.parse::<Ds>().ok());
        Self {
            id: answer.id,
            active: answer.active,
            ds: ds.filter(|ds| ds.digest_kind == SHA256).collect(),
            dnskey: answer.dnskey,
        }
    }
}

/// No `Debug`: it holds a private key.
#[derive(Deserialize)]
pub(super) struct PrivateKeyAnswer {
    pub(super) privatekey: String,
}

/// No `Debug`: it holds a key.
#[derive(Deserialize)]
pub(super) struct TsigKeyAnswer {
    pub(super) algorithm: String,
    pub(super) key: String,
}

/// The release in `4.7.3`, `5.0.0-rc1` or the like; none in a build from the main branch, which calls itself `0.0.…`.
pub(super) fn version(text: &str) -> Option<Version> {
    let release = text.split(['-', '+', ' ']).next().unwrap_or_default();
    let mut numbers = release.split('.').map(str::parse::<u16>);
    let version = Version(
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
        numbers.next()?.ok()?,
    );
    (version > Version(0, 0, u16::MAX)).then_some(version)
}

/// What a release can do. A development build can do everything.
pub(super) fn capabilities(version: Option<Version>) -> Capabilities {
    let since = |release| version.is_none_or(|version| version >= release);
    let backported = version.is_some_and(|v| (Version(4, 9, 12)..Version(5, 0, 0)).contains(&v));
    Capabilities {
        single_records: since(Version(5, 0, 2)) || backported,
        catalog_zones: since(Version(4, 7, 0)),
        signalling_zones: since(Version(5, 0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_follow_the_release() {
        assert_eq!(version("4.7.3"), Some(Version(4, 7, 3)));
        assert_eq!(version("5.0.0-rc1"), Some(Version(5, 0, 0)));
        assert_eq!(version("0.0.1234.g0123"), None);
        let can = |text| capabilities(version(text));
        assert!(can("4.7.3").catalog_zones && !can("4.7.3").single_records);
        assert!(can("4.9.12").single_records && !can("4.9.12").signalling_zones);
        assert!(!can("5.0.1").single_records && can("5.0.1").signalling_zones);
        assert!(can("5.0.2").single_records && can("0.0.1.gabc").single_records);
    }

    #[test]
    fn disabled_records_do_not_count() {
        let body = r#"{"name":"a.example.","type":"A","ttl":60,"comments":[],"records":[
            {"content":"192.0.2.1","disabled":true},{"content":"192.0.2.2","disabled":false}]}"#;
        let body: SetBody = serde_json::from_str(body).unwrap();
        assert_eq!(body.to_set().unwrap().to_string(), "`a.example` A = 192.0.2.2");
    }
}
