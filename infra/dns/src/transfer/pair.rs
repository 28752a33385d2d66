//! A primary and one of its secondaries.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::{Distribution, Role, Secondary, TsigKey};
use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::refuse_foreign;
use crate::zone::{Zone, ZoneMark};

/// Last label of the names of all keys of pairs.
const KEYS: &str = "sovereign";
const PORT: u16 = 53;

/// A primary and one of its secondaries.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) secondary: &'a Secondary,
    /// Where the secondary finds the primary.
    pub(super) primary: SocketAddr,
    /// Name of the key that both have.
    pub(super) key: DomainName,
}

/// What a person needs to set up a secondary.
#[derive(Debug, Clone)]
pub struct Pairing {
    /// Where the secondary answers.
    pub secondary: SocketAddr,
    /// Where it fetches from, and whose NOTIFY it is to take.
    pub primary: SocketAddr,
    /// The key; none before the primary has made one.
    pub key: Option<TsigKey>,
    /// Name of the key.
    pub key_name: DomainName,
}

/// What a person needs to set up each secondary. Reads the keys from the primary.
pub async fn pairings(primary: &dyn ZoneHost, secondaries: &[Secondary]) -> Result<Vec<Pairing>, DnsError> {
    let mut pairings = Vec::new();
    for pair in pairs(primary, secondaries).await? {
        pairings.push(Pairing {
            secondary: pair.secondary.address,
            primary: pair.primary,
            key: primary.tsig_key(&pair.key).await?,
            key_name: pair.key,
        });
    }
    Ok(pairings)
}

/// The pairs of a primary. A secondary reaches it at its first address of the same family.
pub(super) async fn pairs<'a>(
    primary: &dyn ZoneHost,
    secondaries: &'a [Secondary],
) -> Result<Vec<Pair<'a>>, DnsError> {
    let addresses = primary.facts().await?.answers_at;
    let pair = |secondary: &'a Secondary| {
        let near = |address: &&SocketAddr| address.is_ipv4() == secondary.address.is_ipv4();
        let found = addresses.iter().find(near).copied();
        let refuse = |message: String, remedy: &str| DnsError {
            class: ErrorClass::Stop,
            action: format!("pair {} with secondary {}", primary.name(), secondary.address),
            message,
            remedy: remedy.to_owned(),
        };
        let found = found.ok_or_else(|| {
            refuse(
                "the server answers at no address of that family".to_owned(),
                "give the server an address of both families, or name the secondary by its other address",
            )
        })?;
        let name = format!("{}.{}.{KEYS}", label(secondary.address), label(found));
        let key = name
            .parse()
            .map_err(|error| refuse(format!("{error}"), "name the secondary by another address"))?;
        Ok(Pair {
            secondary,
            primary: found,
            key,
        })
    };
    secondaries.iter().map(pair).collect()
}

/// An address as one label: `192-0-2-53`, `2001-db8-0-0-0-0-0-53`, with the port behind where it is not 53.
fn label(address: SocketAddr) -> String {
    let ip = match address {
        SocketAddr::V4(v4) => v4.ip().to_string().replace('.', "-"),
        // No `::`: a label neither begins nor ends with a hyphen.
        SocketAddr::V6(v6) => v6.ip().segments().map(|part| format!("{part:x}")).join("-"),
    };
    match address.port() {
        PORT => ip,
        port => format!("{ip}-{port}"),
    }
}

impl Pair<'_> {
    /// Has the secondary fetch the zone, where its API is known. `serial` is the primary's.
    pub(super) async fn enlist(
        &self,
        primary: &dyn ZoneHost,
        zone: &DomainName,
        mark: &ZoneMark,
        serial: u32,
        catalog: Option<&DomainName>,
    ) -> Result<(), DnsError> {
        let Some(host) = self.secondary.host.as_deref() else {
            return Ok(());
        };
        demand_fetching(host).await?;
        let key = primary.tsig_key(&self.key).await?.ok_or_else(|| DnsError {
            class: ErrorClass::Retry,
            action: format!("give key `{}` to {}", self.key, host.name()),
            message: format!("{} has it no more", primary.name()),
            remedy: "somebody removed it meanwhile; it is made again".to_owned(),
        })?;
        host.take_tsig_key(&key).await?;
        let copy = match catalog {
            Some(catalog) => {
                self.follow(host, catalog, &ZoneMark::catalog(), Role::Consumer)
                    .await?;
                self.member(host, zone, mark, catalog).await?
            }
            None => self.follow(host, zone, mark, Role::Secondary).await?,
        };
        if copy.is_none_or(|copy| copy.serial != serial) {
            host.retrieve(zone).await?;
        }
        Ok(())
    }

    /// A zone that the secondary has by our word. None if it was just made.
    async fn follow(
        &self,
        host: &dyn ZoneHost,
        zone: &DomainName,
        mark: &ZoneMark,
        role: Role,
    ) -> Result<Option<Zone>, DnsError> {
        let wanted = self.taking(role);
        let Some(present) = host.find(zone).await? else {
            host.create_bare(zone, mark, &wanted).await?;
            return Ok(None);
        };
        refuse_foreign(host, &present, mark)?;
        super::settle(host, &present, mark, &wanted).await?;
        Ok(Some(present))
    }

    /// A zone that the secondary has by the catalog's word: it comes without the key.
    async fn member(
        &self,
        host: &dyn ZoneHost,
        zone: &DomainName,
        mark: &ZoneMark,
        catalog: &DomainName,
    ) -> Result<Option<Zone>, DnsError> {
        let Some(present) = host.find(zone).await? else {
            host.retrieve(catalog).await?;
            return Err(DnsError {
                class: ErrorClass::Retry,
                action: format!("have {} fetch zone `{zone}`", host.name()),
                message: format!("it has not yet learnt of it from catalog `{catalog}`"),
                remedy: "the primary updates its catalogs once a minute; it is looked again".to_owned(),
            });
        };
        let is_member = present.distribution.catalog.as_ref() == Some(catalog);
        if !(is_member && present.owner.is_empty()) {
            refuse_foreign(host, &present, mark)?;
        }
        let wanted = Distribution {
            catalog: Some(catalog.clone()),
            ..self.taking(Role::Secondary)
        };
        if !present.is_of(mark) || present.distribution != wanted {
            host.distribute(zone, mark, &wanted).await?;
        }
        Ok(Some(present))
    }

    fn taking(&self, role: Role) -> Distribution {
        Distribution {
            role,
            keys: [self.key.clone()].into(),
            notifies: BTreeSet::new(),
            primaries: [self.primary].into(),
            catalog: None,
        }
    }
}

async fn demand_fetching(host: &dyn ZoneHost) -> Result<(), DnsError> {
    if host.transfer_facts().await?.fetches {
        return Ok(());
    }
    Err(DnsError {
        class: ErrorClass::Stop,
        action: format!("make {} a secondary", host.name()),
        message: "it fetches no zones: its setting `secondary` is `no`".to_owned(),
        remedy: "write `secondary=yes` into its configuration and restart it".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_label() {
        for (address, wanted) in [
            ("192.0.2.53:53", "192-0-2-53"),
            ("192.0.2.53:5300", "192-0-2-53-5300"),
            ("[2001:db8::]:53", "2001-db8-0-0-0-0-0-0"),
            ("[::1]:5300", "0-0-0-0-0-0-0-1-5300"),
        ] {
            assert_eq!(label(address.parse().unwrap()), wanted);
        }
    }
}
