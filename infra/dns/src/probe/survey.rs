//! Every server of the parent zone and every address of every name server is asked for what it says itself.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use futures::{StreamExt as _, stream};
use hickory_proto::rr::RecordType;

use super::atlas::Zone;
use super::exchange::{Run, Via};
use super::failure::Failure;
use super::limits::{MAX_ADDRESSES, MAX_NAMES};
use super::reading::{self, Meaning};
use super::seen::{DsSeen, NameServer, NsSet, ParentSays, ParentServer, ResolverView, ServerAt, ZoneServer};
use super::walk::Trail;
use crate::name::DomainName;

/// What all name servers of a zone say.
#[derive(Debug, Default)]
pub(super) struct ZoneSurvey {
    pub(super) hosts: Vec<NameServer>,
    pub(super) servers: Vec<ZoneServer>,
}

impl Run<'_> {
    /// Asks every server of the parent about a name. `signed`: the parent is, so that it proves what it does not vouch for.
    pub(super) async fn survey_parent(
        &self,
        parent: &Arc<Zone>,
        name: &DomainName,
        signed: bool,
    ) -> Vec<ParentServer> {
        let servers = self.servers(parent).await;
        let asked = servers
            .into_iter()
            .map(|server| self.ask_parent(parent, server, name, signed));
        stream::iter(asked)
            .buffered(self.limits().at_once)
            .collect()
            .await
    }

    async fn ask_parent(
        &self,
        parent: &Zone,
        server: ServerAt,
        name: &DomainName,
        signed: bool,
    ) -> ParentServer {
        let mut seen = ParentServer {
            server,
            says: ParentSays::NotDelegated,
            ds: DsSeen::Unknown,
            millis: 0,
            proof: Vec::new(),
        };
        let asked = match self.ask(&seen.server, name, RecordType::NS, Via::Datagram).await {
            Ok(asked) => asked,
            Err(failure) => {
                seen.says = ParentSays::Fails { failure };
                return seen;
            }
        };
        seen.millis = asked.millis;
        seen.says = match reading::meaning(&asked.reply, &parent.name, name, RecordType::NS) {
            Meaning::Referral(cut, ns) if cut == *name => ParentSays::Delegates(ns),
            Meaning::Referral(cut, _) => ParentSays::Fails {
                failure: Failure::RefersElsewhere { to: cut.to_string() },
            },
            Meaning::Answer => {
                ParentSays::HoldsIt(reading::ns(&asked.reply, asked.reply.answers(), name, name))
            }
            Meaning::NoData | Meaning::Alias(_) => ParentSays::NotDelegated,
            Meaning::NoName => ParentSays::NoSuchName,
            Meaning::Lame(failure) => ParentSays::Fails { failure },
        };
        if matches!(seen.says, ParentSays::Delegates(_)) {
            seen.proof = reading::ds_proof(&asked.reply);
            seen.ds = reading::ds(&seen.proof, name);
        }
        let is_cut = matches!(seen.says, ParentSays::Delegates(_) | ParentSays::HoldsIt(_));
        if is_cut && signed && seen.ds == DsSeen::Unknown {
            self.ask_ds(&mut seen, name).await;
        }
        seen
    }

    async fn ask_ds(&self, seen: &mut ParentServer, name: &DomainName) {
        let asked = self.ask(&seen.server, name, RecordType::DS, Via::Datagram).await;
        if let Ok(asked) = asked {
            seen.proof = reading::ds_proof(&asked.reply);
            seen.ds = reading::ds(&seen.proof, name);
        }
    }

    /// Asks every address of every name server: those that the parent names, and those that the zone itself does.
    pub(super) async fn survey_zone(
        &self,
        zone: &Arc<Zone>,
        parents: &[ParentServer],
        expected: &BTreeSet<DomainName>,
    ) -> ZoneSurvey {
        let mut survey = ZoneSurvey::default();
        let mut told: BTreeMap<DomainName, BTreeSet<IpAddr>> = BTreeMap::new();
        for set in parents.iter().filter_map(|parent| set_of(&parent.says)) {
            gather(&mut told, set);
        }
        if told.is_empty() {
            gather(&mut told, &zone.ns);
        }
        if zone.parent.is_none() {
            self.ask_root(zone, &mut told).await;
        }
        self.survey_hosts(&mut survey, zone, told, true).await;
        let own = survey.servers.iter().filter_map(|server| server.ns.seen());
        let own = own.flat_map(|set| set.names.iter());
        let by_itself: BTreeSet<DomainName> = own.chain(expected).cloned().collect();
        let more = by_itself
            .into_iter()
            .filter(|name| !survey.hosts.iter().any(|host| host.name == *name))
            .map(|name| (name, BTreeSet::new()));
        let more = more.collect();
        self.survey_hosts(&mut survey, zone, more, false).await;
        survey
    }

    /// Nobody names the root's servers but they themselves.
    async fn ask_root(&self, root: &Arc<Zone>, told: &mut BTreeMap<DomainName, BTreeSet<IpAddr>>) {
        let answer = self
            .ask_zone(root, &root.name, RecordType::NS, &Trail::START)
            .await;
        if let Ok(reply) = answer {
            gather(
                told,
                &reading::ns(&reply, reply.answers(), &root.name, &root.name),
            );
        }
    }

    async fn survey_hosts(
        &self,
        survey: &mut ZoneSurvey,
        zone: &Zone,
        told: BTreeMap<DomainName, BTreeSet<IpAddr>>,
        at_parent: bool,
    ) {
        let room = MAX_NAMES.saturating_sub(survey.hosts.len());
        let hosts = told
            .into_iter()
            .take(room)
            .map(|(name, glue)| self.host(zone, name, glue, at_parent));
        let hosts: Vec<NameServer> = stream::iter(hosts)
            .buffered(self.limits().at_once)
            .collect()
            .await;
        let servers: Vec<ServerAt> = hosts.iter().flat_map(servers_of).collect();
        let asked = servers.into_iter().map(|server| self.ask_server(zone, server));
        let servers: Vec<ZoneServer> = stream::iter(asked)
            .buffered(self.limits().at_once)
            .collect()
            .await;
        survey.hosts.extend(hosts);
        survey.servers.extend(servers);
    }

    async fn host(
        &self,
        zone: &Zone,
        name: DomainName,
        glue: BTreeSet<IpAddr>,
        at_parent: bool,
    ) -> NameServer {
        let found = self.resolve(&name, &Trail::START).await;
        let ttl = found.as_ref().map_or(0, |found| found.ttl);
        NameServer {
            in_zone: name.is_within(&zone.name),
            at_parent,
            glue,
            addresses: found.map(|found| found.addresses).into(),
            ttl,
            name,
        }
    }

    /// Asks public resolvers, for information.
    pub(super) async fn survey_resolvers(&self, name: &DomainName) -> Vec<ResolverView> {
        // The addresses are copied: a closure over borrowed ones would keep the future from moving between threads.
        let asked = self
            .prober
            .config
            .resolvers
            .clone()
            .into_iter()
            .map(|resolver| async move {
                let server = ServerAt {
                    name: String::new(),
                    address: resolver,
                };
                let asked = self.ask(&server, name, RecordType::NS, Via::Resolver).await;
                let authentic = asked.as_ref().is_ok_and(|asked| asked.reply.is_authentic());
                let ns = asked.and_then(|asked| {
                    let set = reading::ns(&asked.reply, asked.reply.answers(), name, name);
                    if set.names.is_empty() {
                        let code = super::exchange::code(asked.reply.code());
                        return Err(if code == "NOERROR" {
                            Failure::Empty
                        } else {
                            Failure::Code { code }
                        });
                    }
                    Ok(set)
                });
                ResolverView {
                    resolver,
                    ns: ns.into(),
                    authentic,
                }
            });
        stream::iter(asked)
            .buffered(self.limits().at_once)
            .collect()
            .await
    }
}

/// The name servers that a server of the parent names.
pub(super) fn set_of(says: &ParentSays) -> Option<&NsSet> {
    match says {
        ParentSays::Delegates(set) | ParentSays::HoldsIt(set) => Some(set),
        _ => None,
    }
}

fn gather(told: &mut BTreeMap<DomainName, BTreeSet<IpAddr>>, set: &NsSet) {
    for name in &set.names {
        let glue = set.glue.get(name).into_iter().flatten();
        told.entry(name.clone()).or_default().extend(glue);
    }
}

fn servers_of(host: &NameServer) -> Vec<ServerAt> {
    let own = host.addresses.seen().into_iter().flatten();
    let addresses: BTreeSet<IpAddr> = host.glue.iter().chain(own).copied().collect();
    addresses
        .into_iter()
        .take(MAX_ADDRESSES)
        .map(|address| ServerAt {
            name: host.name.to_string(),
            address,
        })
        .collect()
}
