//! The way down from the root, one label at a time (RFC 9156), believing each server only about what lies below its zone.

use std::sync::Arc;

use futures::future::BoxFuture;
use hickory_proto::rr::{Record, RecordType};

use super::atlas::Zone;
use super::exchange::{Run, Via};
use super::failure::Failure;
use super::reading::{self, Meaning};
use super::seen::{NsSet, ServerAt};
use crate::name::DomainName;
use crate::query::Reply;

/// Labels that are asked for one at a time; then comes the whole name (RFC 9156 section 2.3).
const STEPS: usize = 10;
/// Servers of one zone that are tried for one step of the way.
const TRIES: usize = 8;

/// Where the way ended.
#[derive(Debug)]
pub(super) enum End {
    /// The name is a zone of its own.
    Zone(Arc<Zone>),
    /// The name lies in this zone; the last answer says what there is.
    Inside(Arc<Zone>, Reply),
    /// The name stands for another one.
    Alias(Arc<Zone>, String),
    /// There is no such name in this zone.
    NoName(Arc<Zone>),
}

/// Nobody answers any more.
#[derive(Debug, Clone)]
pub(super) struct Stuck {
    /// The zone whose servers do not.
    pub(super) zone: Arc<Zone>,
    /// Each that was tried.
    pub(super) failures: Vec<(ServerAt, Failure)>,
}

/// Hosts that are being looked for, each because of the one before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Trail<'a> {
    host: Option<&'a DomainName>,
    above: Option<&'a Trail<'a>>,
}

impl<'a> Trail<'a> {
    /// Nothing is looked for yet.
    pub(super) const START: Trail<'static> = Trail {
        host: None,
        above: None,
    };

    pub(super) fn with(&'a self, host: &'a DomainName) -> Self {
        Self {
            host: Some(host),
            above: Some(self),
        }
    }

    pub(super) fn depth(&self) -> usize {
        self.above.map_or(0, |above| 1 + above.depth())
    }

    pub(super) fn has(&self, host: &DomainName) -> bool {
        self.host == Some(host) || self.above.is_some_and(|above| above.has(host))
    }
}

impl Run<'_> {
    /// Walks to a name, and asks there for a kind of record. With [`RecordType::NS`] a zone of that name is the end of the way, and
    /// its parent is asked anew.
    pub(super) fn walk<'a>(
        &'a self,
        name: &'a DomainName,
        kind: RecordType,
        trail: &'a Trail<'a>,
    ) -> BoxFuture<'a, Result<End, Stuck>> {
        Box::pin(self.walk_down(name, kind, trail))
    }

    async fn walk_down(&self, name: &DomainName, kind: RecordType, trail: &Trail<'_>) -> Result<End, Stuck> {
        let for_zone = kind == RecordType::NS;
        let mut zone = self.prober.atlas.above(name, for_zone);
        if name.labels().next().is_none() && for_zone {
            return Ok(End::Zone(zone));
        }
        let mut known = zone.name.clone();
        let mut steps = 0;
        loop {
            steps += 1;
            let next = if steps > STEPS {
                name.clone()
            } else {
                below(&known, name)
            };
            let last = next == *name;
            let asked = if last { kind } else { RecordType::NS };
            let (reply, meaning) = self.step(&zone, &next, asked, trail).await?;
            match meaning {
                Meaning::Referral(cut, ns) => {
                    known = cut.clone();
                    zone = self.enter(cut, &zone, ns, reading::ds_proof(&reply));
                }
                Meaning::Answer if asked == RecordType::NS => {
                    let ns = reading::ns(&reply, reply.answers(), &next, &next);
                    known = next.clone();
                    zone = self.enter(next, &zone, ns, Vec::new());
                }
                // Some servers deny what has only names below it (RFC 8020 came late): the whole name decides.
                Meaning::NoName if !last => steps = STEPS,
                Meaning::Alias(to) if last => return Ok(End::Alias(zone, to)),
                Meaning::NoName => return Ok(End::NoName(zone)),
                _ if last => return Ok(End::Inside(zone, reply)),
                _ => known = next,
            }
            if zone.name == *name && for_zone {
                return Ok(End::Zone(zone));
            }
        }
    }

    fn enter(&self, name: DomainName, above: &Arc<Zone>, ns: NsSet, referral: Vec<Record>) -> Arc<Zone> {
        let zone = Zone::new(name, Some(above.clone()), ns, referral);
        self.prober.atlas.enter(zone)
    }

    /// Asks the servers of a zone, one after the other, until one leads on.
    async fn step(
        &self,
        zone: &Arc<Zone>,
        name: &DomainName,
        kind: RecordType,
        trail: &Trail<'_>,
    ) -> Result<(Reply, Meaning), Stuck> {
        let mut failures = Vec::new();
        let mut servers = Servers::of(zone);
        while failures.len() < TRIES {
            let Some(server) = servers.next(self, trail).await else {
                break;
            };
            let server = match server {
                Ok(server) => server,
                Err(failure) => {
                    failures.push(failure);
                    continue;
                }
            };
            let failure = match self.ask(&server, name, kind, Via::Datagram).await {
                Ok(asked) => match reading::meaning(&asked.reply, &zone.name, name, kind) {
                    Meaning::Lame(failure) => failure,
                    meaning => return Ok((asked.reply, meaning)),
                },
                Err(failure) => failure,
            };
            let spent = matches!(failure, Failure::Spent { .. });
            failures.push((server, failure));
            if spent {
                break;
            }
        }
        Err(Stuck {
            zone: zone.clone(),
            failures,
        })
    }

    /// An answer of any server of a zone that is in charge.
    pub(super) fn ask_zone<'a>(
        &'a self,
        zone: &'a Arc<Zone>,
        name: &'a DomainName,
        kind: RecordType,
        trail: &'a Trail<'a>,
    ) -> BoxFuture<'a, Result<Reply, Failure>> {
        Box::pin(async move {
            let answer = self.step(zone, name, kind, trail).await;
            answer.map(|(reply, _)| reply).map_err(|stuck| {
                let last = stuck.failures.into_iter().next_back();
                last.map_or(Failure::NoAddress, |(_, failure)| failure)
            })
        })
    }
}

/// The name one label below `above` on the way to `name`.
fn below(above: &DomainName, name: &DomainName) -> DomainName {
    let labels = above.labels().count() + 1;
    let mut at = name.clone();
    while at.labels().count() > labels {
        match at.parent() {
            Some(parent) => at = parent,
            None => break,
        }
    }
    at
}

/// The servers of a zone, those first whose addresses are at hand, beginning with any of them.
struct Servers<'a> {
    zone: &'a Zone,
    at_hand: Vec<ServerAt>,
    unknown: Vec<&'a DomainName>,
}

impl<'a> Servers<'a> {
    fn of(zone: &'a Zone) -> Self {
        let mut at_hand = zone.servers.get().cloned().unwrap_or_else(|| zone.at_hand());
        if !at_hand.is_empty() {
            let first = rand::random_range(0..at_hand.len());
            at_hand.rotate_left(first);
        }
        // Those of the commoner family come first: a machine without the other one loses no time.
        at_hand.sort_by_key(|server| server.address.is_ipv4());
        let resolved = zone.servers.get().is_some();
        let names = zone
            .ns
            .names
            .iter()
            .filter(|name| !zone.ns.glue.contains_key(*name));
        Self {
            zone,
            at_hand,
            unknown: names.filter(|_| !resolved).collect(),
        }
    }

    async fn next(
        &mut self,
        run: &Run<'_>,
        trail: &Trail<'_>,
    ) -> Option<Result<ServerAt, (ServerAt, Failure)>> {
        if let Some(server) = self.at_hand.pop() {
            return Some(Ok(server));
        }
        let name = self.unknown.pop()?;
        let nobody = ServerAt {
            name: name.to_string(),
            address: std::net::Ipv4Addr::UNSPECIFIED.into(),
        };
        // Without its address, a name in the zone itself leads nowhere.
        if name.is_within(&self.zone.name) {
            return Some(Err((nobody, Failure::Circular)));
        }
        let found = match run.resolve(name, trail).await {
            Ok(found) => found,
            Err(failure) => return Some(Err((nobody, failure))),
        };
        self.at_hand = found
            .addresses
            .iter()
            .map(|address| ServerAt {
                name: name.to_string(),
                address: *address,
            })
            .collect();
        self.at_hand.sort_by_key(|server| server.address.is_ipv4());
        Some(self.at_hand.pop().ok_or((nobody, Failure::NoAddress)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn the_way_goes_label_by_label() {
        let target = name("a.b.c.example");
        assert_eq!(below(&DomainName::root(), &target), name("example"));
        assert_eq!(below(&name("example"), &target), name("c.example"));
        assert_eq!(below(&name("b.c.example"), &target), target);
        assert_eq!(below(&target, &target), target);
    }

    #[test]
    fn a_trail_knows_what_is_on_it() {
        let (one, two) = (name("ns.one.example"), name("ns.two.example"));
        let start = Trail::START;
        let first = start.with(&one);
        let second = first.with(&two);
        assert_eq!((start.depth(), second.depth()), (0, 2));
        assert!(second.has(&one) && second.has(&two) && !first.has(&two));
    }
}
