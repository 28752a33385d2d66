//! A zone on several servers: made or adopted, brought to what is wanted, and removed.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use futures::future::join_all;

use crate::error::{DnsError, ErrorClass};
use crate::host::{Signing, ZoneHost, ZoneKey};
use crate::name::DomainName;
use crate::record::Ds;
use crate::zone::{Zone, ZoneMark, ZoneRequest, ZoneSettings};

/// The servers that get the same zone.
pub type ZoneHosts = [Arc<dyn ZoneHost>];

/// A zone that every server has as wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// What a parent is to publish.
    pub ds: Vec<Ds>,
}

/// The zone, if every server has it exactly as wanted; none if something is missing. Only reads.
///
/// A zone that belongs to somebody else is an error of class [`ErrorClass::Taken`].
pub async fn look(hosts: &ZoneHosts, request: &ZoneRequest) -> Result<Option<Published>, DnsError> {
    let mut first: Option<Vec<ZoneKey>> = None;
    for host in hosts {
        let Some(zone) = host.find(&request.name).await? else {
            return Ok(None);
        };
        refuse_foreign(&**host, &zone, &request.mark)?;
        if !zone.settings.are_complete() || !request.changes(&zone).is_empty() {
            return Ok(None);
        }
        let keys = host.keys(&request.name).await?;
        if let Some(first) = &first {
            if lacks_some(&keys, first) {
                return Ok(None);
            }
            refuse_other_keys(&**host, &request.name, first, &keys)?;
        }
        first.get_or_insert(keys);
    }
    Ok(first.map(|keys| published(&keys)))
}

/// Makes the zone on every server, or brings one of the same owner to what is wanted. May be called again after any failure.
///
/// Every server signs with the key of the first: a parent vouches for one key, and answers of all servers must fit it.
pub async fn publish(hosts: &ZoneHosts, request: &ZoneRequest) -> Result<Published, DnsError> {
    let mut leader: Option<Leader<'_>> = None;
    for host in signers_first(hosts, &request.name).await? {
        let zone = make_or_adopt(host, request, leader.as_ref()).await?;
        let Some(leader) = &leader else {
            complete(host, zone.settings, &request.name).await?;
            leader = Some(Leader {
                host,
                serial: zone.serial,
                keys: host.keys(&request.name).await?,
            });
            continue;
        };
        leader.share_key(host, &request.name).await?;
        let signed = ZoneSettings {
            signed: true,
            ..zone.settings
        };
        complete(host, signed, &request.name).await?;
    }
    match leader {
        Some(leader) => Ok(published(&leader.keys)),
        None => Err(nobody("publish", &request.name)),
    }
}

/// Leads the names of a zone that is there where they are wanted to, on every server that can be reached: one that is down keeps
/// none of the others. Says nothing about what came of it; [`publish`] does.
pub async fn lead(hosts: &ZoneHosts, request: &ZoneRequest) {
    if hosts.len() < 2 {
        return;
    }
    let led = hosts.iter().map(|host| async move {
        let present = host.find(&request.name).await.ok().flatten();
        let Some(zone) = present.filter(|zone| zone.is_of(&request.mark)) else {
            return;
        };
        let changes = request.changes(&zone);
        if !changes.is_empty() && host.change(&request.name, &changes).await.is_err() {
            tracing::debug!(server = host.name(), zone = %request.name, "the names are not led there yet");
        }
    });
    join_all(led.collect::<Vec<_>>()).await;
}

/// The keys that every server signs with, whatever else differs.
pub async fn shared_keys(hosts: &ZoneHosts, zone: &DomainName) -> Result<Published, DnsError> {
    let mut first: Option<Vec<ZoneKey>> = None;
    for host in hosts {
        let keys = host.keys(zone).await?;
        if let Some(first) = &first {
            refuse_other_keys(&**host, zone, first, &keys)?;
        }
        first.get_or_insert(keys);
    }
    match first {
        Some(keys) => Ok(published(&keys)),
        None => Err(nobody("check", zone)),
    }
}

/// Removes the zone from every server that has it with this mark. Zones of others are left alone; a missing one is success.
pub async fn withdraw(hosts: &ZoneHosts, name: &DomainName, mark: &ZoneMark) -> Result<(), DnsError> {
    if hosts.is_empty() {
        return Err(nobody("withdraw", name));
    }
    for host in hosts {
        if host.find(name).await?.is_some_and(|zone| zone.is_of(mark)) {
            host.delete(name).await?;
        }
    }
    Ok(())
}

/// Without servers nothing is made, proven or removed.
pub(crate) fn nobody(verb: &str, zone: &DomainName) -> DnsError {
    DnsError {
        class: ErrorClass::Stop,
        action: format!("{verb} zone `{zone}`"),
        message: "no server is named that answers for it".to_owned(),
        remedy: "name one under `dns.servers` in the spec".to_owned(),
    }
}

/// The servers, those before the others that sign the zone already: a parent may vouch for their key.
async fn signers_first<'a>(
    hosts: &'a ZoneHosts,
    zone: &DomainName,
) -> Result<Vec<&'a dyn ZoneHost>, DnsError> {
    let mut order = Vec::with_capacity(hosts.len());
    for host in hosts {
        let signs = hosts.len() > 1 && host.find(zone).await?.is_some_and(|zone| zone.settings.signed);
        order.push((signs, &**host));
    }
    order.sort_by_key(|(signs, _)| !signs);
    Ok(order.into_iter().map(|(_, host)| host).collect())
}

/// The first server, whose key the others share.
struct Leader<'a> {
    host: &'a dyn ZoneHost,
    serial: u32,
    keys: Vec<ZoneKey>,
}

impl Leader<'_> {
    async fn share_key(&self, host: &dyn ZoneHost, zone: &DomainName) -> Result<(), DnsError> {
        let present = host.keys(zone).await?;
        if !present.is_empty() && !lacks_some(&present, &self.keys) {
            return refuse_other_keys(host, zone, &self.keys, &present);
        }
        share_keys(self.host, &self.keys, host, zone).await
    }
}

/// Gives a server those of another one's keys that sign and that it does not have. What it has is read at that moment: servers
/// may have one database, and then it has a key as soon as the other one.
pub(crate) async fn share_keys(
    from: &dyn ZoneHost,
    keys: &[ZoneKey],
    to: &dyn ZoneHost,
    zone: &DomainName,
) -> Result<(), DnsError> {
    let present = to.keys(zone).await?;
    let has = |key: &ZoneKey| present.iter().any(|own| own.dnskey == key.dnskey);
    for key in keys.iter().filter(|key| key.active && !has(key)) {
        let private = from.export_key(zone, key.id).await?;
        to.import_key(zone, &private).await?;
    }
    Ok(())
}

async fn make_or_adopt(
    host: &dyn ZoneHost,
    request: &ZoneRequest,
    leader: Option<&Leader<'_>>,
) -> Result<Zone, DnsError> {
    let signing = if leader.is_some() {
        Signing::SharedKey
    } else {
        Signing::OwnKey
    };
    let serial = leader.map_or_else(seconds_since_1970, |leader| leader.serial);
    let taken = match host.create(request, serial, signing).await {
        Err(error) if error.class == ErrorClass::Taken => error,
        outcome => return outcome,
    };
    let zone = host.find(&request.name).await?.ok_or(DnsError {
        class: ErrorClass::Retry,
        ..taken
    })?;
    refuse_foreign(host, &zone, &request.mark)?;
    let changes = request.changes(&zone);
    if !changes.is_empty() {
        host.change(&request.name, &changes).await?;
    }
    Ok(zone)
}

async fn complete(host: &dyn ZoneHost, settings: ZoneSettings, zone: &DomainName) -> Result<(), DnsError> {
    if settings.are_complete() {
        return Ok(());
    }
    host.complete_settings(zone, settings).await
}

pub(crate) fn refuse_foreign(host: &dyn ZoneHost, zone: &Zone, mark: &ZoneMark) -> Result<(), DnsError> {
    if zone.is_of(mark) {
        return Ok(());
    }
    let owner = if zone.owner.is_empty() {
        "nobody that the installer knows".to_owned()
    } else {
        format!("`{}`", zone.owner)
    };
    Err(DnsError {
        class: ErrorClass::Taken,
        action: format!("use zone `{}` at {}", zone.name, host.name()),
        message: format!("it is there already and belongs to {owner}"),
        remedy: format!(
            "choose another domain; or, if the zone is yours to give away, remove it, or set its account to `{mark}`"
        ),
    })
}

pub(crate) fn refuse_other_keys(
    host: &dyn ZoneHost,
    zone: &DomainName,
    wanted: &[ZoneKey],
    present: &[ZoneKey],
) -> Result<(), DnsError> {
    if signers(wanted) == signers(present) {
        return Ok(());
    }
    Err(DnsError {
        class: ErrorClass::Stop,
        action: format!("use zone `{zone}` at {}", host.name()),
        message: "it signs with other keys than the first server, so half of all answers would be bogus"
            .to_owned(),
        remedy: "remove the zone from this server and run again: it gets the first server's key".to_owned(),
    })
}

/// Whether a server signs with some of the first server's keys and with no others: a roll of the key has not yet come to it.
fn lacks_some(keys: &[ZoneKey], first: &[ZoneKey]) -> bool {
    let (own, all) = (signers(keys), signers(first));
    !own.is_empty() && own.len() < all.len() && own.is_subset(&all)
}

/// The keys that sign; each counts once, also where a server has it twice.
fn signers(keys: &[ZoneKey]) -> BTreeSet<&str> {
    let active = keys.iter().filter(|key| key.active);
    active.map(|key| key.dnskey.as_str()).collect()
}

/// What a parent is to publish of keys, each digest once.
pub(crate) fn published(keys: &[ZoneKey]) -> Published {
    let active = keys.iter().filter(|key| key.active);
    let mut ds: Vec<Ds> = Vec::new();
    for digest in active.flat_map(|key| &key.ds) {
        if !ds.contains(digest) {
            ds.push(digest.clone());
        }
    }
    Published { ds }
}

/// The first serial of a zone: a zone made again begins higher than an earlier one of its name ended, so that secondaries notice.
fn seconds_since_1970() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Serials wrap around, as seconds do in 2106.
    u32::try_from(since.as_secs() & u64::from(u32::MAX)).unwrap_or_default()
}
