//! Zones: as they are wanted, as they are, and what lies between.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use sovereign_core::name::SovereignName;

use crate::name::DomainName;
use crate::record::{RecordKind, RecordSet, Records, Soa};
use crate::transfer::Distribution;
use crate::trial;

/// Says whose a zone is. It is part of the request that makes the zone, so there is no moment at which a zone has no owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneMark(String);

impl ZoneMark {
    /// The mark of a Sovereign's zones. At most 36 characters: servers keep it in a column of 40.
    pub fn of(sovereign: &SovereignName) -> Self {
        Self(format!("sov:{sovereign}"))
    }

    /// The mark of catalogs, which the zones of several Sovereigns are in.
    pub fn catalog() -> Self {
        Self("sov-catalog".to_owned())
    }

    /// The mark as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ZoneMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says whose a record set is. Servers keep it beside the records, for whoever may use their API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetMark {
    /// Text of a [`ZoneMark`].
    pub owner: String,
    /// Which of the name's owners that is, counted from 1.
    pub generation: u64,
}

impl SetMark {
    /// Whether it names this owner.
    pub fn is_of(&self, mark: &ZoneMark) -> bool {
        self.owner == mark.0
    }
}

/// A record set as a server has it, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkedSet {
    /// The record set.
    pub set: RecordSet,
    /// Whose it is; nobody's that the installer knows without.
    pub mark: Option<SetMark>,
}

/// A zone as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneRequest {
    /// Its name.
    pub name: DomainName,
    /// Whose it is.
    pub mark: ZoneMark,
    /// Start of authority. Its serial does not count: the first is chosen when the zone is made, and the server moves it.
    pub soa: Soa,
    /// Time to live of the start of authority, in seconds.
    pub soa_ttl: u32,
    /// The other record sets; each name and kind once.
    pub sets: Vec<RecordSet>,
}

impl ZoneRequest {
    /// Every record set, with that serial.
    pub fn all_sets(&self, serial: u32) -> Vec<RecordSet> {
        let soa = RecordSet {
            name: self.name.clone(),
            ttl: self.soa_ttl,
            records: Records::Soa(self.soa.with_serial(serial)),
        };
        std::iter::once(soa).chain(self.sets.iter().cloned()).collect()
    }

    /// How long caches may keep an address of the zone's, in seconds.
    pub fn longest_address_ttl(&self) -> u32 {
        let addresses = self
            .sets
            .iter()
            .filter(|set| is_of_addresses(&set.records.kind()));
        addresses.map(|set| set.ttl).max().unwrap_or_default()
    }

    /// Whether the names lead where they are wanted to in `zone`, whatever else differs.
    pub fn leads_as_wanted(&self, zone: &Zone) -> bool {
        self.changes(zone).iter().all(|change| match change {
            Change::Replace(set) | Change::Mark(set, _) => !is_of_addresses(&set.records.kind()),
            Change::Remove { kind, .. } => !leads(kind),
        })
    }

    /// The sets of addresses that the servers choose among, by name.
    pub fn choices(&self) -> impl Iterator<Item = &RecordSet> {
        self.sets
            .iter()
            .filter(|set| matches!(set.records, Records::Lua(_)))
    }

    /// What must change for `zone` to be as wanted. Record sets that nobody here asked for are other people's and stay, except
    /// addresses and aliases of names that are asked for, which would lead elsewhere, and trials of LUA records that were cut off.
    pub fn changes(&self, zone: &Zone) -> Vec<Change> {
        let wanted = self.all_sets(zone.serial);
        let replace = wanted.iter().filter(|set| {
            let present = zone.set(&set.name, &set.records.kind());
            !present.is_some_and(|present| {
                present.ttl == set.ttl && present.records.says_the_same_as(&set.records)
            })
        });
        let ours: BTreeSet<&DomainName> = wanted
            .iter()
            .filter(|set| is_of_addresses(&set.records.kind()))
            .map(|set| &set.name)
            .collect();
        let stray = zone.sets.iter().filter(|present| {
            let kind = present.records.kind();
            let strays = leads(&kind) && ours.contains(&present.name) || trial::is_left(&self.name, present);
            let asked = wanted
                .iter()
                .any(|set| set.name == present.name && set.records.kind() == kind);
            strays && !asked
        });
        // Removals first: an alias and an address cannot stand beside each other.
        let removals = stray.map(|set| Change::Remove {
            name: set.name.clone(),
            kind: set.records.kind(),
        });
        removals.chain(replace.cloned().map(Change::Replace)).collect()
    }
}

fn is_of_addresses(kind: &RecordKind) -> bool {
    matches!(kind, RecordKind::A | RecordKind::Aaaa | RecordKind::Lua)
}

/// Whether records of that kind lead a name somewhere.
fn leads(kind: &RecordKind) -> bool {
    is_of_addresses(kind) || *kind == RecordKind::Cname
}

/// A change to a zone. All changes of one call happen together or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The record set is to be exactly this.
    Replace(RecordSet),
    /// The same, and says whose it is: for a record set in a zone that belongs to nobody or to somebody else.
    Mark(RecordSet, SetMark),
    /// No record set of that name and kind.
    Remove {
        /// Whose.
        name: DomainName,
        /// Which.
        kind: RecordKind,
    },
}

/// How a server treats a zone.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a setting of its own at the server"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ZoneSettings {
    /// It has an active key and signs.
    pub signed: bool,
    /// Proofs that names do not exist follow every change.
    pub rectified: bool,
    /// The serial moves on every change.
    pub serial_moves: bool,
    /// It says itself, in CDS and CDNSKEY records, what a parent is to publish (RFC 7344, RFC 8078).
    pub keys_told: bool,
}

impl ZoneSettings {
    /// Whether nothing is missing.
    pub fn are_complete(self) -> bool {
        self.signed && self.rectified && self.serial_moves && self.keys_told
    }
}

/// A zone as a server has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its name.
    pub name: DomainName,
    /// Whose it is; empty if it bears no mark.
    pub owner: String,
    /// Serial of its start of authority.
    pub serial: u32,
    /// How the server treats it.
    pub settings: ZoneSettings,
    /// How it comes to the server, and from it to others.
    pub distribution: Distribution,
    /// Its record sets, without those whose names we would never use.
    pub sets: Vec<RecordSet>,
}

impl Zone {
    /// Whether it bears exactly this mark.
    pub fn is_of(&self, mark: &ZoneMark) -> bool {
        self.owner == mark.0
    }

    /// The record set of that name and kind.
    pub fn set(&self, name: &DomainName, kind: &RecordKind) -> Option<&RecordSet> {
        self.sets
            .iter()
            .find(|set| set.name == *name && set.records.kind() == *kind)
    }

    /// The longest time, in seconds, that a cache may keep anything the zone says.
    pub fn longest_ttl(&self) -> u32 {
        let ttls = self.sets.iter().map(|set| match &set.records {
            // Keys and denials are kept as long as the start of authority says.
            Records::Soa(soa) => set.ttl.max(soa.negative_ttl),
            _ => set.ttl,
        });
        ttls.max().unwrap_or_default()
    }

    /// The addresses that a name leads to, or that the server chooses among for it.
    pub fn addresses_of(&self, name: &DomainName) -> BTreeSet<IpAddr> {
        let sets = self.sets.iter().filter(|set| set.name == *name);
        sets.flat_map(|set| set.records.addresses()).collect()
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// A server's copy of `acme.example`, with these records and all that it is to have besides.
    pub(crate) fn zone(sets: Vec<RecordSet>) -> Zone {
        Zone {
            name: "acme.example".parse().unwrap(),
            owner: "sov:acme".to_owned(),
            serial: 7,
            settings: ZoneSettings {
                signed: true,
                rectified: true,
                serial_moves: true,
                keys_told: true,
            },
            distribution: Distribution::native(),
            sets,
        }
    }
}
