//! Zone transfers: the first of a zone's servers gives it to secondaries (RFC 5936), each pair with a TSIG key of its own (RFC 8945).
//!
//! ```text
//!  primary ──NOTIFY──► secondary ──AXFR, signed by the pair's key──► primary
//!     └── catalog zone (RFC 9432): which zones there are ──► secondary
//! ```
//!
//! The primary makes the keys, and they stay on the servers: one that is needed elsewhere is read from the primary at that moment.
//! Where the API of a secondary is known it is set up, too; elsewhere a person does it by [`Pairing`].

mod check;
mod host;
mod pair;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

pub use self::check::check_secondaries;
pub(crate) use self::check::serial_at;
pub use self::host::{Distribution, Role, TransferFacts, TransferHost, TsigKey};
use self::pair::Pair;
pub use self::pair::{Pairing, pairings};
use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::refuse_foreign;
use crate::zone::{Zone, ZoneMark};

/// A server that has the zone from the first of the zone's servers.
#[derive(Clone)]
pub struct Secondary {
    /// Where it answers queries and takes NOTIFY.
    pub address: SocketAddr,
    /// Its API; none where a person sets it up.
    pub host: Option<Arc<dyn ZoneHost>>,
}

impl fmt::Debug for Secondary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secondary")
            .field("address", &self.address)
            .field("api", &self.host.as_ref().map(|host| host.name().to_owned()))
            .finish()
    }
}

/// Who has a zone from its primary, and by which way they learn that there is one.
#[derive(Debug, Clone, Default)]
pub struct Supply {
    /// The secondaries; none where every server has its own copy.
    pub secondaries: Vec<Secondary>,
    /// A catalog zone that tells them which zones there are; it is made where it is missing.
    pub catalog: Option<DomainName>,
}

/// Makes the primary give the zone to its secondaries, and tells them of it. May be called again after any failure.
///
/// [`ErrorClass::Retry`] where a secondary has not yet learnt of the zone from the catalog: that takes up to a minute.
pub async fn supply(
    primary: &dyn ZoneHost,
    zone: &DomainName,
    mark: &ZoneMark,
    supply: &Supply,
) -> Result<(), DnsError> {
    let present = found(primary, zone).await?;
    if supply.secondaries.is_empty() {
        return settle(primary, &present, mark, &Distribution::native()).await;
    }
    let pairs = pair::pairs(primary, &supply.secondaries).await?;
    demand_notify(primary, pairs.len()).await?;
    for pair in &pairs {
        if primary.tsig_key(&pair.key).await?.is_none() {
            primary.make_tsig_key(&pair.key).await?;
        }
    }
    if let Some(catalog) = &supply.catalog {
        offer_catalog(primary, catalog, &pairs).await?;
    }
    let wanted = giving(Role::Primary, &pairs, supply.catalog.as_ref());
    settle(primary, &present, mark, &wanted).await?;
    primary.notify(zone).await?;
    for pair in &pairs {
        pair.enlist(primary, zone, mark, present.serial, supply.catalog.as_ref())
            .await?;
    }
    Ok(())
}

/// Whether the primary gives the zone to exactly these secondaries. Only reads; what they have is seen by [`check_secondaries`].
pub async fn is_supplied(
    primary: &dyn ZoneHost,
    zone: &DomainName,
    supply: &Supply,
) -> Result<bool, DnsError> {
    let present = found(primary, zone).await?;
    if supply.secondaries.is_empty() {
        return Ok(present.distribution == Distribution::native());
    }
    let pairs = pair::pairs(primary, &supply.secondaries).await?;
    Ok(present.distribution == giving(Role::Primary, &pairs, supply.catalog.as_ref()))
}

/// Removes the zone from every secondary whose API is known and that has it with this mark, and says which those are. The primary
/// must not have it any more: a catalog would bring it back.
pub async fn dismiss<'a>(
    secondaries: &'a [Secondary],
    zone: &DomainName,
    mark: &ZoneMark,
) -> Result<Vec<&'a dyn ZoneHost>, DnsError> {
    let mut dismissed = Vec::new();
    for host in secondaries
        .iter()
        .filter_map(|secondary| secondary.host.as_deref())
    {
        match host.find(zone).await? {
            Some(present) if !present.is_of(mark) => continue,
            Some(_) => host.delete(zone).await?,
            None => {}
        }
        dismissed.push(host);
    }
    Ok(dismissed)
}

/// What a primary's part looks like with these secondaries.
fn giving(role: Role, pairs: &[Pair<'_>], catalog: Option<&DomainName>) -> Distribution {
    Distribution {
        role,
        keys: pairs.iter().map(|pair| pair.key.clone()).collect(),
        notifies: pairs.iter().map(|pair| pair.secondary.address).collect(),
        primaries: BTreeSet::new(),
        catalog: catalog.cloned(),
    }
}

async fn settle(
    host: &dyn ZoneHost,
    present: &Zone,
    mark: &ZoneMark,
    wanted: &Distribution,
) -> Result<(), DnsError> {
    if present.distribution == *wanted {
        return Ok(());
    }
    host.distribute(&present.name, mark, wanted).await
}

/// The catalog with these secondaries added: other zones may have others.
async fn offer_catalog(
    primary: &dyn ZoneHost,
    catalog: &DomainName,
    pairs: &[Pair<'_>],
) -> Result<(), DnsError> {
    let mark = ZoneMark::catalog();
    let wanted = giving(Role::Producer, pairs, None);
    let Some(present) = primary.find(catalog).await? else {
        primary.create_bare(catalog, &mark, &wanted).await?;
        return primary.distribute(catalog, &mark, &wanted).await;
    };
    refuse_foreign(primary, &present, &mark)?;
    let mut merged = present.distribution.clone();
    merged.role = Role::Producer;
    merged.keys.extend(wanted.keys);
    merged.notifies.extend(wanted.notifies);
    settle(primary, &present, &mark, &merged).await
}

async fn found(host: &dyn ZoneHost, zone: &DomainName) -> Result<Zone, DnsError> {
    host.find(zone).await?.ok_or_else(|| DnsError {
        class: ErrorClass::Retry,
        action: format!("give zone `{zone}` to its secondaries from {}", host.name()),
        message: "it is not there".to_owned(),
        remedy: "somebody removed it meanwhile; it is made again".to_owned(),
    })
}

/// A primary that does not tell of changes leaves its secondaries behind for hours.
async fn demand_notify(primary: &dyn ZoneHost, secondaries: usize) -> Result<(), DnsError> {
    let facts = primary.transfer_facts().await?;
    let refuse = |message: &str, setting: &str| {
        Err(DnsError {
            class: ErrorClass::Stop,
            action: format!("have {} tell its secondaries of changes", primary.name()),
            message: message.to_owned(),
            remedy: format!("write `{setting}` into its configuration and restart it"),
        })
    };
    if !facts.sends_notify {
        return refuse("it sends no NOTIFY: its setting `primary` is `no`", "primary=yes");
    }
    if facts.signs_notify && secondaries > 1 {
        return refuse(
            "it signs NOTIFY with one key, and the other secondaries would refuse it",
            "send-signed-notify=no",
        );
    }
    Ok(())
}
