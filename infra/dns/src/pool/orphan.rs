//! What is in a pool's DNS and nobody's, and what is somebody's and not in DNS. Only reads.
//!
//! What bears no mark is not looked at: it is the pool's own, or other people's. What bears the mark of a Sovereign that this book
//! never gave the name to may live: another installer may have made it. Both are never touched.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::allocation::{Allocation, State};
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
    /// A name that is active, and no server has its zone.
    Name,
}

/// Whether something may be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Fate {
    /// Its last owner gave it back, and nobody has the name.
    Removable,
    /// Somebody has the name.
    Owned,
    /// This book never gave the name to the owner that is marked.
    Foreign,
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
}

/// What one server has right below the pool.
struct Seen {
    server: String,
    /// Owners of zones, by name.
    zones: BTreeMap<DomainName, String>,
    /// Owners of delegations, by name.
    delegations: BTreeMap<DomainName, String>,
}

/// Everything odd in a pool, by name.
pub async fn orphans(
    book: &dyn PoolBook,
    hosts: &ZoneHosts,
    pool: &DomainName,
) -> Result<Vec<Orphan>, DeedError> {
    let mut seen = Vec::with_capacity(hosts.len());
    for host in hosts {
        seen.push(look(&**host, pool).await?);
    }
    // The book is read after DNS: what was made meanwhile is known.
    let all = book.all().await.map_err(DeedError::Book)?;
    let mut found = Vec::new();
    for one in &seen {
        for (name, owner) in &one.zones {
            let fate = fate(book, &all, name, owner).await?;
            found.extend(fate.map(|fate| one.orphan(name, OrphanKind::Zone, owner, fate)));
        }
        for (name, owner) in &one.delegations {
            let has_zone = seen.iter().any(|other| other.zones.contains_key(name));
            let kind = if has_zone {
                OrphanKind::Delegation
            } else {
                OrphanKind::Dangling
            };
            let fate = fate(book, &all, name, owner).await?;
            let fate = fate.or((!has_zone).then_some(Fate::Owned));
            found.extend(fate.map(|fate| one.orphan(name, kind, owner, fate)));
        }
    }
    found.extend(without_zone(&all, pool, &seen));
    found.sort();
    Ok(found)
}

impl Seen {
    fn orphan(&self, name: &DomainName, kind: OrphanKind, owner: &str, fate: Fate) -> Orphan {
        Orphan {
            name: name.clone(),
            kind,
            server: self.server.clone(),
            owner: owner.to_owned(),
            fate,
        }
    }
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

/// What becomes of something that bears a mark; none if it is where it belongs.
async fn fate(
    book: &dyn PoolBook,
    all: &[Allocation],
    name: &DomainName,
    owner: &str,
) -> Result<Option<Fate>, DeedError> {
    let Some(present) = all.iter().find(|one| one.name.fqdn().as_ref() == Ok(name)) else {
        return Ok(Some(Fate::Foreign));
    };
    let marks = |one: &Allocation| owner.strip_prefix(SOVEREIGN) == Some(one.sovereign.as_str());
    let free = matches!(present.state, State::Gone | State::Quarantined { .. });
    if marks(present) {
        return Ok(free.then_some(Fate::Removable));
    }
    if !free {
        return Ok(Some(Fate::Owned));
    }
    let history = book.history(&present.name).await.map_err(DeedError::Book)?;
    Ok(Some(if history.iter().any(marks) {
        Fate::Removable
    } else {
        Fate::Foreign
    }))
}

/// Names that are active and on no server.
fn without_zone<'a>(
    all: &'a [Allocation],
    pool: &'a DomainName,
    seen: &'a [Seen],
) -> impl Iterator<Item = Orphan> + 'a {
    let active = all
        .iter()
        .filter(move |one| one.name.pool == *pool && one.state == State::Active);
    active.filter_map(move |one| {
        let name = one.name.fqdn().ok()?;
        let has_zone = seen.iter().any(|server| server.zones.contains_key(&name));
        (!has_zone).then(|| Orphan {
            name,
            kind: OrphanKind::Name,
            server: String::new(),
            owner: format!("{SOVEREIGN}{}", one.sovereign),
            fate: Fate::Owned,
        })
    })
}

/// The name of an orphan, as the book has it.
impl Orphan {
    /// The name in its pool; none for a label that nobody gets.
    pub fn pool_name(&self) -> Option<PoolName> {
        PoolName::of(&self.name).ok()
    }
}
