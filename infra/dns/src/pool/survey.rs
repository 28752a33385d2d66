//! What the pool's servers say of a name before anything is done. Only reads.

use serde::{Deserialize, Serialize};

use super::delegation::{Place, whose};
use crate::error::DnsError;
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::ZoneHosts;
use crate::zone::ZoneMark;

/// What one server says of a pool and a name in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolServer {
    /// The server's address.
    pub name: String,
    /// What it says.
    pub says: PoolAnswer,
}

/// What a server says of a pool and a name in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PoolAnswer {
    /// Nothing that helps: it does not answer, or has no zone of that name.
    Nothing {
        /// Why.
        why: String,
        /// What to do.
        remedy: String,
    },
    /// It has the pool's zone.
    Pool {
        /// The zone has a key.
        signed: bool,
        /// What is there of the name that is not the asker's, in words that go on from "there is".
        foreign: Option<String>,
    },
}

/// Asks every server about a name.
pub async fn survey(
    hosts: &ZoneHosts,
    pool: &DomainName,
    child: &DomainName,
    mark: &ZoneMark,
) -> Vec<PoolServer> {
    let mut servers = Vec::with_capacity(hosts.len());
    for host in hosts {
        let says = ask(&**host, pool, child, mark).await;
        let says = says.unwrap_or_else(|error| PoolAnswer::Nothing {
            why: error.to_string(),
            remedy: error.remedy,
        });
        servers.push(PoolServer {
            name: host.name().to_owned(),
            says,
        });
    }
    servers
}

async fn ask(
    host: &dyn ZoneHost,
    pool: &DomainName,
    child: &DomainName,
    mark: &ZoneMark,
) -> Result<PoolAnswer, DnsError> {
    let place = Place::read(host, pool, child).await?;
    let records = place.foreign(mark).map(|set| {
        let kind = set.set.records.kind();
        format!(
            "a record set of kind {kind} that belongs to {}",
            whose(set.mark.as_ref())
        )
    });
    let zone = host.find(child).await?.filter(|zone| !zone.is_of(mark));
    let zone = zone.map(|zone| match zone.owner.as_str() {
        "" => "a zone that belongs to nobody that the installer knows".to_owned(),
        owner => format!("a zone that belongs to `{owner}`"),
    });
    Ok(PoolAnswer::Pool {
        signed: place.signed,
        foreign: records.or(zone),
    })
}
