//! Addresses of name servers, by the servers in charge of their names. Aliases are not followed: a name server must not be one.

use std::net::IpAddr;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use hickory_proto::rr::RecordType;

use super::atlas::{HostAddresses, Zone};
use super::exchange::Run;
use super::failure::Failure;
use super::limits::{MAX_ADDRESSES, MAX_NAMES};
use super::reading::{self, Meaning};
use super::seen::ServerAt;
use super::walk::{End, Trail};
use crate::name::DomainName;

impl Run<'_> {
    /// All addresses of a host.
    pub(super) async fn resolve(
        &self,
        host: &DomainName,
        trail: &Trail<'_>,
    ) -> Result<HostAddresses, Failure> {
        if trail.has(host) {
            return Err(Failure::Circular);
        }
        if trail.depth() >= self.limits().depth {
            let why = format!("{} name servers' names lead from one to the next", trail.depth());
            return Err(Failure::Spent { why });
        }
        if let Some(known) = self.prober.atlas.host(host) {
            return known;
        }
        // What was answered before leads from host to host without a question, in more ways than there is time for.
        self.budget.left()?;
        let found = self.look_up(host, &trail.with(host)).await;
        // What was not found for lack of time or because of where it was asked from may be found another time.
        if !matches!(found, Err(Failure::Spent { .. } | Failure::Circular)) {
            self.prober.atlas.enter_host(host, &found);
        }
        found
    }

    async fn look_up(&self, host: &DomainName, trail: &Trail<'_>) -> Result<HostAddresses, Failure> {
        let end = self.walk(host, RecordType::A, trail).await.map_err(|stuck| {
            let ours = stuck.failures.iter().find(|(_, failure)| failure.is_ours());
            let any = ours.or(stuck.failures.last());
            any.map_or(Failure::NoAddress, |(_, failure)| failure.clone())
        })?;
        let (zone, first) = match end {
            End::Inside(zone, reply) => (zone, reply),
            End::Alias(_, to) => return Err(Failure::Alias { to }),
            End::NoName(_) | End::Zone(_) => return Err(Failure::NoAddress),
        };
        let (mut addresses, mut ttl) = reading::addresses(first.answers(), host);
        let second = self.ask_zone(&zone, host, RecordType::AAAA, trail).await?;
        if let Meaning::Alias(to) = reading::meaning(&second, &zone.name, host, RecordType::AAAA) {
            return Err(Failure::Alias { to });
        }
        let (more, other_ttl) = reading::addresses(second.answers(), host);
        addresses.extend(more);
        ttl = ttl.max(other_ttl);
        if addresses.is_empty() {
            return Err(Failure::NoAddress);
        }
        let addresses = addresses.into_iter().take(MAX_ADDRESSES).collect();
        Ok(HostAddresses { addresses, ttl })
    }

    /// Every address of every server of a zone.
    pub(super) async fn servers(&self, zone: &Arc<Zone>) -> Vec<ServerAt> {
        let found = zone.servers.get_or_try_init(|| async {
            let found = self.find_servers(zone).await;
            // A probe that had spent what it may does not leave an incomplete list to the next one.
            if self.budget.is_spent() {
                Err(found)
            } else {
                Ok(found)
            }
        });
        found.await.cloned().unwrap_or_else(|incomplete| incomplete)
    }

    async fn find_servers(&self, zone: &Zone) -> Vec<ServerAt> {
        if !zone.known.is_empty() {
            return zone.known.clone();
        }
        let names: Vec<_> = zone.ns.names.iter().take(MAX_NAMES).cloned().collect();
        let found = stream::iter(names.into_iter().map(|name| self.addresses_in(zone, name)));
        let found: Vec<Vec<ServerAt>> = found.buffered(self.limits().at_once).collect().await;
        found.into_iter().flatten().collect()
    }

    async fn addresses_in(&self, zone: &Zone, name: DomainName) -> Vec<ServerAt> {
        let glue = zone.ns.glue.get(&name).cloned().unwrap_or_default();
        let addresses = if glue.is_empty() {
            self.resolve(&name, &Trail::START)
                .await
                .map(|found| found.addresses)
                .unwrap_or_default()
        } else {
            glue
        };
        let at = |address: IpAddr| ServerAt {
            name: name.to_string(),
            address,
        };
        addresses.into_iter().map(at).collect()
    }
}
