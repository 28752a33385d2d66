//! A new key for a zone, without a moment at which its answers do not validate (RFC 6781 section 4.1.2, double signature).
//!
//! ```text
//!  add_key ──► caches forget the old keys ──► the parent vouches for the new one ──► caches forget the old DS ──► retire_keys
//! ```
//!
//! In between the zone is signed by both keys and tells both to its parent (CDS, CDNSKEY), so every step may last as long as it likes.
//! How the parent comes to vouch for the new key is [`crate::delegation::Route::rekey`]'s concern, or [`crate::pool::delegation`]'s.
//! What a step has come to is seen at the servers, not remembered.

use std::collections::BTreeSet;

use crate::Published;
use crate::delegation::ParentView;
use crate::error::{DnsError, ErrorClass};
use crate::host::{ZoneHost, ZoneKey};
use crate::name::DomainName;
use crate::publish::{ZoneHosts, nobody, published, refuse_foreign, refuse_other_keys, share_keys};
use crate::record::{Ds, RecordKind, Records};
use crate::zone::{Change, Zone, ZoneMark, ZoneRequest};

/// Every server signs with a key that is not among those to be retired; where none has one yet, the first makes it. Two servers may
/// have one database: what the first was given is there at the second already, and a key given twice would sign twice.
pub async fn add_key(
    hosts: &ZoneHosts,
    zone: &DomainName,
    mark: &ZoneMark,
    retiring: &[Ds],
) -> Result<Published, DnsError> {
    let copies = copies(hosts, zone, mark).await?;
    let first = copies
        .iter()
        .find(|copy| copy.has_fresh(retiring))
        .or(copies.first());
    let leader = first.ok_or_else(|| nobody("roll the key of", zone))?;
    if !leader.has_fresh(retiring) {
        leader.host.make_key(zone).await?;
    }
    let keys = leader.host.keys(zone).await?;
    for copy in &copies {
        share_keys(leader.host, &keys, copy.host, zone).await?;
        refuse_other_keys(copy.host, zone, &keys, &copy.host.keys(zone).await?)?;
        copy.touch().await?;
    }
    Ok(published(&keys))
}

/// Removes keys from every server; each must have another one that signs.
pub async fn retire_keys(
    hosts: &ZoneHosts,
    zone: &DomainName,
    mark: &ZoneMark,
    retiring: &[Ds],
) -> Result<Published, DnsError> {
    let copies = copies(hosts, zone, mark).await?;
    if let Some(copy) = copies.iter().find(|copy| !copy.has_fresh(retiring)) {
        return Err(DnsError {
            class: ErrorClass::Stop,
            action: format!("retire a key of zone `{zone}` at {}", copy.host.name()),
            message: "no other key signs the zone there".to_owned(),
            remedy: "begin the roll of the key again: it adds one first".to_owned(),
        });
    }
    for copy in &copies {
        for key in copy.keys.iter().filter(|key| is_among(key, retiring)) {
            copy.host.delete_key(zone, key.id).await?;
        }
        copy.touch().await?;
    }
    crate::publish::shared_keys(hosts, zone).await
}

/// Whether every server signs with the same keys, of which one is fresh, and with those to be retired as long as `keeps` says so.
pub async fn keys_are(
    hosts: &ZoneHosts,
    zone: &DomainName,
    mark: &ZoneMark,
    retiring: &[Ds],
    keeps: bool,
) -> Result<Option<Published>, DnsError> {
    let copies = copies(hosts, zone, mark).await?;
    let all = copies.iter().all(|copy| {
        let old = copy.keys.iter().any(|key| is_among(key, retiring));
        copy.has_fresh(retiring) && old == keeps
    });
    if !all {
        return Ok(None);
    }
    crate::publish::shared_keys(hosts, zone).await.map(Some)
}

/// The longest time, in seconds, that a cache may keep anything the zone says: until then it may lack signatures of a new key.
pub async fn longest_ttl(hosts: &ZoneHosts, zone: &DomainName, mark: &ZoneMark) -> Result<u32, DnsError> {
    let copies = copies(hosts, zone, mark).await?;
    let longest = copies.iter().map(|copy| copy.zone.longest_ttl()).max();
    Ok(longest.unwrap_or_default())
}

/// The zone's apex alone, as its first server has it: enough to ask for its keys everywhere.
pub async fn apex(hosts: &ZoneHosts, zone: &DomainName, mark: &ZoneMark) -> Result<ZoneRequest, DnsError> {
    let copies = copies(hosts, zone, mark).await?;
    let copy = copies.first().ok_or_else(|| nobody("check", zone))?;
    let Some((soa, soa_ttl)) = copy.soa() else {
        return Err(copy.without_start("check"));
    };
    Ok(ZoneRequest {
        name: zone.clone(),
        mark: mark.clone(),
        soa: soa.clone(),
        soa_ttl,
        sets: Vec::new(),
    })
}

/// How far a parent vouches for new keys of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vouching {
    /// No server of the parent vouches for any key: the zone stands in no chain of trust.
    Nobody,
    /// Every server vouches for the new keys: whoever asks now needs no other one.
    New {
        /// How long what was said before may be cached, in seconds.
        ttl: u32,
    },
    /// A server does not, or does not say.
    NotYet {
        /// What the servers say.
        seen: String,
    },
}

/// How far the servers of a parent vouch for these keys. It is no matter whether they vouch for old ones, too.
pub fn vouching(parent: &ParentView, new: &[Ds]) -> Vouching {
    let new: BTreeSet<Ds> = new.iter().cloned().collect();
    if parent.all_vouch(BTreeSet::is_empty) {
        Vouching::Nobody
    } else if parent.all_vouch(|ds| new.is_subset(ds)) {
        Vouching::New { ttl: parent.ds_ttl }
    } else {
        let seen = parent.to_string();
        Vouching::NotYet { seen }
    }
}

/// A server's copy of the zone with its keys.
struct Copy<'a> {
    host: &'a dyn ZoneHost,
    zone: Zone,
    keys: Vec<ZoneKey>,
}

impl Copy<'_> {
    fn has_fresh(&self, retiring: &[Ds]) -> bool {
        self.keys.iter().any(|key| key.active && !is_among(key, retiring))
    }

    fn soa(&self) -> Option<(&crate::record::Soa, u32)> {
        let set = self.zone.set(&self.zone.name, &RecordKind::Soa)?;
        match &set.records {
            Records::Soa(soa) => Some((soa, set.ttl)),
            _ => None,
        }
    }

    fn without_start(&self, verb: &str) -> DnsError {
        DnsError {
            class: ErrorClass::Stop,
            action: format!("{verb} zone `{}` at {}", self.zone.name, self.host.name()),
            message: "it has no start of authority that can be read".to_owned(),
            remedy: "`sovereign up` sets it right".to_owned(),
        }
    }

    /// Moves the serial, which keys do not: secondaries would not learn of them.
    async fn touch(&self) -> Result<(), DnsError> {
        let set = self.zone.set(&self.zone.name, &RecordKind::Soa);
        let set = set.ok_or_else(|| self.without_start("change"))?;
        self.host
            .change(&self.zone.name, &[Change::Replace(set.clone())])
            .await
    }
}

fn is_among(key: &ZoneKey, retiring: &[Ds]) -> bool {
    key.ds.iter().any(|ds| retiring.contains(ds))
}

async fn copies<'a>(
    hosts: &'a ZoneHosts,
    zone: &DomainName,
    mark: &ZoneMark,
) -> Result<Vec<Copy<'a>>, DnsError> {
    let mut copies = Vec::with_capacity(hosts.len());
    for host in hosts {
        let found = host.find(zone).await?.ok_or_else(|| DnsError {
            class: ErrorClass::Stop,
            action: format!("roll the key of zone `{zone}` at {}", host.name()),
            message: "the zone is not there".to_owned(),
            remedy: "`sovereign up` makes it".to_owned(),
        })?;
        refuse_foreign(&**host, &found, mark)?;
        copies.push(Copy {
            keys: host.keys(zone).await?,
            zone: found,
            host: &**host,
        });
    }
    Ok(copies)
}
