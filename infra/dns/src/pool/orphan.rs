//! What is in a pool's DNS and nobody's, and what is somebody's and not in DNS. Only reads.
//!
//! What bears no mark is not looked at: it is the pool's own, or other people's. What bears the mark of a Sovereign that this book
//! never gave the name to may live: another installer may have made it. Both are never touched.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;

use super::allocation::{Allocation, State, Taker};
use super::book::PoolBook;
use super::deed::DeedError;
use super::name::PoolName;
use crate::error::DnsError;
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::ZoneHosts;
use crate::record::RecordKind;

/// How every mark of a Sovereign begins.
const SOVEREIGN: &str = "sov:";

/// What is odd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum OrphanKind {
    /// A delegation that leads to no zone on any server: whoever comes by one of its name servers has the name.
    Dangling,
    /// A delegation of a name that its owner does not have any more.
    Delegation,
    /// A zone of a name that its owner does not have any more.
    Zone,
    /// A name that is active, or whose taking away was broken off, and no server has its zone.
    Name,
}

/// Whether something may be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// Its last owner gave it back, nobody has the name, and nobody takes it away.
    Removable,
    /// Somebody takes the name away right now.
    Going,
    /// Somebody has the name.
    Owned,
    /// This book never gave the name to the owner that is marked.
    Foreign,
}

/// Who takes a name away.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Going {
    /// Its owner, or its last one.
    pub sovereign: SovereignName,
    /// Who is at it.
    pub taker: Taker,
    /// When that one last touched it.
    pub since: Timestamp,
    /// When a sweep may go on with it.
    pub until: Timestamp,
}

/// Something that is in DNS and nobody's, or somebody's and not in DNS.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// The name.
    pub name: DomainName,
    /// What is odd.
    pub kind: OrphanKind,
    /// Where; empty for what is on no server.
    pub server: String,
    /// Whose mark it bears.
    pub owner: String,
    /// Whether it may be taken away.
    pub fate: Fate,
    /// Who takes it away right now, if anybody does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub going: Option<Going>,
}

/// What one server has right below the pool.
struct Seen {
    server: String,
    /// Owners of zones, by name.
    zones: BTreeMap<DomainName, String>,
    /// Owners of delegations, by name.
    delegations: BTreeMap<DomainName, String>,
}

impl Seen {
    fn has_zone(&self, name: &DomainName) -> bool {
        self.zones.contains_key(name)
    }

    /// Whether there is anything of that owner.
    fn has_of(&self, name: &DomainName, owner: &str) -> bool {
        let of = |found: &BTreeMap<DomainName, String>| found.get(name).is_some_and(|there| there == owner);
        of(&self.zones) || of(&self.delegations)
    }
}

/// Everything odd in a pool, by name.
pub async fn orphans(
    book: &dyn PoolBook,
    hosts: &ZoneHosts,
    pool: &DomainName,
    now: Timestamp,
) -> Result<Vec<Orphan>, DeedError> {
    let mut seen = Vec::with_capacity(hosts.len());
    for host in hosts {
        seen.push(look(&**host, pool).await?);
    }
    // The book is read after DNS: what was made meanwhile is known.
    let book = Known {
        book,
        all: book.all().await.map_err(DeedError::Book)?,
        now,
    };
    let mut found = Vec::new();
    for one in &seen {
        for (name, owner) in &one.zones {
            let fate = book.fate(name, owner).await?;
            found.extend(fate.map(|fate| book.orphan(one, name, OrphanKind::Zone, owner, fate)));
        }
        for (name, owner) in &one.delegations {
            let has_zone = seen.iter().any(|other| other.has_zone(name));
            let kind = if has_zone {
                OrphanKind::Delegation
            } else {
                OrphanKind::Dangling
            };
            let fate = book.fate(name, owner).await?;
            let fate = fate.or((!has_zone).then_some(Fate::Owned));
            found.extend(fate.map(|fate| book.orphan(one, name, kind, owner, fate)));
        }
    }
    found.extend(book.without_zone(pool, &seen));
    found.sort();
    Ok(found)
}

async fn look(host: &dyn ZoneHost, pool: &DomainName) -> Result<Seen, DnsError> {
    let marked = |owner: &str| owner.starts_with(SOVEREIGN);
    let child = |name: &DomainName| name.parent().as_ref() == Some(pool);
    let sets = host.sets(pool, None).await?.unwrap_or_default();
    let delegations = sets.into_iter().filter_map(|there| {
        let owner = there.mark?.owner;
        let kind = there.set.records.kind();
        (kind == RecordKind::Ns && child(&there.set.name) && marked(&owner))
            .then_some((there.set.name, owner))
    });
    let zones = host.zones().await?.into_iter();
    Ok(Seen {
        server: host.name().to_owned(),
        delegations: delegations.collect(),
        zones: zones
            .filter(|(name, owner)| child(name) && marked(owner))
            .collect(),
    })
}

/// What the book says at a moment.
struct Known<'a> {
    book: &'a dyn PoolBook,
    all: Vec<Allocation>,
    now: Timestamp,
}

impl Known<'_> {
    fn find(&self, name: &DomainName) -> Option<&Allocation> {
        self.all.iter().find(|one| one.name.fqdn().as_ref() == Ok(name))
    }

    /// What becomes of something that bears a mark; none if it is where it belongs.
    async fn fate(&self, name: &DomainName, owner: &str) -> Result<Option<Fate>, DeedError> {
        let Some(present) = self.find(name) else {
            return Ok(Some(Fate::Foreign));
        };
        let marks = |one: &Allocation| owner.strip_prefix(SOVEREIGN) == Some(one.sovereign.as_str());
        let fate = match present.state {
            State::Held { .. } | State::Provisioning | State::Active => {
                return Ok((!marks(present)).then_some(Fate::Owned));
            }
            // Only when its own is gone, others' may go.
            State::Releasing { .. } if !marks(present) => Fate::Going,
            _ if present.is_left(self.now) => Fate::Removable,
            _ => Fate::Going,
        };
        if marks(present) {
            return Ok(Some(fate));
        }
        let history = self.book.history(&present.name).await;
        let had_it = history.map_err(DeedError::Book)?.iter().any(marks);
        Ok(Some(if had_it { fate } else { Fate::Foreign }))
    }

    fn orphan(&self, at: &Seen, name: &DomainName, kind: OrphanKind, owner: &str, fate: Fate) -> Orphan {
        let present = self.find(name).filter(|_| fate == Fate::Going);
        Orphan {
            name: name.clone(),
            kind,
            server: at.server.clone(),
            owner: owner.to_owned(),
            fate,
            going: present.and_then(going),
        }
    }

    /// Names that are active, or left half taken away, and whose zone is on no server.
    fn without_zone(&self, pool: &DomainName, seen: &[Seen]) -> impl Iterator<Item = Orphan> {
        let here = self.all.iter().filter(|one| one.name.pool == *pool);
        here.filter_map(|one| {
            let (name, owner) = (one.name.fqdn().ok()?, format!("{SOVEREIGN}{}", one.sovereign));
            let (fate, is_there) = match one.state {
                State::Active => (Fate::Owned, seen.iter().any(|server| server.has_zone(&name))),
                State::Releasing { .. } if one.is_left(self.now) => {
                    let is_there = seen.iter().any(|server| server.has_of(&name, &owner));
                    (Fate::Removable, is_there)
                }
                _ => return None,
            };
            (!is_there).then(|| Orphan {
                name,
                kind: OrphanKind::Name,
                server: String::new(),
                owner,
                fate,
                going: None,
            })
        })
    }
}

fn going(present: &Allocation) -> Option<Going> {
    let State::Releasing { taker, .. } = present.state else {
        return None;
    };
    Some(Going {
        sovereign: present.sovereign.clone(),
        taker,
        since: present.since,
        until: present.taken_over_from()?,
    })
}

/// The name of an orphan, as the book has it.
impl Orphan {
    /// The name in its pool; none for a label that nobody gets.
    pub fn pool_name(&self) -> Option<PoolName> {
        PoolName::of(&self.name).ok()
    }
}
