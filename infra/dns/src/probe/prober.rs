//! One who probes names, and remembers the zones above them.

use std::sync::Arc;

use hickory_proto::rr::{Record, RecordType};

use super::atlas::{Atlas, Zone};
use super::chain::{self, Link};
use super::config::ProbeConfig;
use super::exchange::{Run, millis};
use super::expectation::{self, Expectation};
use super::judge;
use super::pace::Pacer;
use super::report::{Cost, DelegationReport, Evidence, Standing, StuckAt};
use super::seen::{DsSeen, NsSet, ParentServer, SoaSeen};
use super::survey::ZoneSurvey;
use super::walk::{End, Stuck, Trail};
use super::{proof, reading, waits};
use crate::name::DomainName;
use crate::signature;

/// Probes names, and remembers zones and hosts that it came by for as long as it lives: make a new one for each round of looking
/// at the same names.
#[derive(Debug)]
pub struct Prober {
    pub(super) config: ProbeConfig,
    pub(super) atlas: Atlas,
    pub(super) pacer: Pacer,
}

impl Prober {
    /// One who knows the roots and nothing else.
    pub fn new(config: ProbeConfig) -> Self {
        Self {
            atlas: Atlas::new(config.root_servers()),
            pacer: Pacer::new(config.pace),
            config,
        }
    }

    /// Looks at how a name is delegated. Whatever goes wrong is in the report.
    pub async fn probe(&self, name: &DomainName, expectation: &Expectation) -> DelegationReport {
        let run = Run::new(self);
        let evidence = run.gather(name, expectation).await;
        let progress =
            (!expectation.is_empty()).then(|| expectation::measure(expectation, &evidence.parents));
        let findings = judge::judge(&evidence, expectation, progress.as_ref());
        let cost = Cost {
            questions: run.budget.asked(),
            millis: millis(run.budget.elapsed()),
        };
        DelegationReport {
            security: evidence.security(),
            waits: waits::waits(&evidence),
            evidence,
            progress,
            findings,
            cost,
            trace: run.into_trace(),
        }
    }
}

/// What the walk has come to: the zone to look at, the one above it, and what the name is.
struct Goal {
    zone: Option<Arc<Zone>>,
    parent: Option<Arc<Zone>>,
    standing: Standing,
}

impl Run<'_> {
    async fn gather(&self, name: &DomainName, expectation: &Expectation) -> Evidence {
        let goal = goal(
            self.walk(name, RecordType::NS, &Trail::START).await,
            name,
            expectation,
        );
        let now = signature::now();
        let above = match &goal.parent {
            Some(parent) => self.chain(parent, now).await,
            None => Vec::new(),
        };
        let signed = above.last().is_some_and(|link| link.zone_keys.is_some());
        // What is asked of the parent is the zone's name; where there is none, the name itself.
        let asked = goal.zone.as_ref().map_or(name, |zone| &zone.name);
        let (parents, parent_soa) = match &goal.parent {
            Some(parent) => (
                self.survey_parent(parent, asked, signed).await,
                self.soa(parent).await,
            ),
            None => (Vec::new(), None),
        };
        let survey = match &goal.zone {
            Some(zone) => self.survey_zone(zone, &parents, &expectation.new).await,
            None => ZoneSurvey::default(),
        };
        let resolvers = self.survey_resolvers(asked).await;
        let mut evidence = Evidence {
            name: name.clone(),
            standing: goal.standing,
            zone: goal.zone.as_ref().map(|zone| zone.name.clone()),
            parent: goal.parent.as_ref().map(|zone| zone.name.clone()),
            path_servers: path_servers(goal.parent.as_ref(), goal.zone.as_ref(), &survey),
            path: above,
            parents,
            parent_soa,
            hosts: survey.hosts,
            servers: survey.servers,
            proofs: Vec::new(),
            resolvers,
            incomplete: self.budget.is_spent(),
        };
        if let Some(zone) = &goal.zone {
            self.prove(&mut evidence, &zone.name, now);
        }
        evidence
    }

    /// Adds the last link, and what each server's signatures are worth.
    fn prove(&self, evidence: &mut Evidence, zone: &DomainName, now: u32) {
        let anchor = self
            .prober
            .config
            .anchor
            .as_ref()
            .map(|anchor| anchor.0.as_slice());
        let above = evidence.path.last();
        let proof = best_proof(&evidence.parents);
        evidence.proofs = evidence
            .servers
            .iter()
            .map(|server| proof::of(server, zone, above, proof, anchor, now))
            .collect();
        let links = evidence.proofs.iter().filter_map(|proof| proof.link.clone());
        let weakest = links.max_by_key(|link| link.security);
        let link = weakest.unwrap_or_else(|| match above {
            Some(above) => chain::below(above, zone, Some(proof), None, now),
            None => chain::root(anchor, None, now),
        });
        evidence.path.push(link);
    }

    /// The links from the root to a zone.
    async fn chain(&self, zone: &Arc<Zone>, now: u32) -> Vec<Link> {
        let anchor = self
            .prober
            .config
            .anchor
            .as_ref()
            .map(|anchor| anchor.0.as_slice());
        let mut links: Vec<Link> = Vec::new();
        for zone in zone.path() {
            let link = match links.last() {
                None => {
                    let keys = self.keys(&zone).await;
                    chain::root(anchor, keys.as_deref(), now)
                }
                // Below an unsigned zone there is nothing to prove.
                Some(above) if above.zone_keys.is_none() => chain::below(above, &zone.name, None, None, now),
                Some(above) => {
                    let (proof, keys) = tokio::join!(self.proof(&zone), self.keys(&zone));
                    chain::below(above, &zone.name, Some(&proof), keys.as_deref(), now)
                }
            };
            links.push(link);
        }
        links
    }

    async fn keys(&self, zone: &Arc<Zone>) -> Option<Vec<Record>> {
        let keys = zone
            .keys
            .get_or_try_init(|| self.ask_zone(zone, &zone.name, RecordType::DNSKEY, &Trail::START));
        keys.await.ok().map(|reply| reply.answers().to_vec())
    }

    async fn proof(&self, zone: &Arc<Zone>) -> Vec<Record> {
        if reading::ds(&zone.referral, &zone.name) != DsSeen::Unknown {
            return zone.referral.clone();
        }
        let Some(parent) = &zone.parent else {
            return Vec::new();
        };
        let proof = zone.proof.get_or_try_init(|| async {
            let reply = self
                .ask_zone(parent, &zone.name, RecordType::DS, &Trail::START)
                .await?;
            Ok::<_, super::failure::Failure>(reading::ds_proof(&reply))
        });
        proof.await.cloned().unwrap_or_default()
    }

    async fn soa(&self, zone: &Arc<Zone>) -> Option<SoaSeen> {
        let soa = zone
            .soa
            .get_or_try_init(|| self.ask_zone(zone, &zone.name, RecordType::SOA, &Trail::START));
        reading::soa(soa.await.ok()?, &zone.name)
    }
}

fn goal(end: Result<End, Stuck>, name: &DomainName, expectation: &Expectation) -> Goal {
    let (holder, standing) = match end {
        Ok(End::Zone(zone)) => return Goal::of_zone(zone, Standing::Zone),
        Ok(End::NoName(zone)) if expectation.is_empty() => {
            return Goal {
                zone: None,
                parent: Some(zone),
                standing: Standing::NoSuchName,
            };
        }
        Ok(End::NoName(zone)) => (zone, Standing::NoSuchName),
        Ok(End::Inside(zone, _)) => (zone, Standing::Inside),
        Ok(End::Alias(zone, to)) => (zone, Standing::Alias { to }),
        Err(stuck) => {
            let failures = stuck.failures.into_iter();
            let failures = failures
                .map(|(server, failure)| StuckAt { server, failure })
                .collect();
            return Goal::of_zone(stuck.zone, Standing::Stuck { failures });
        }
    };
    if expectation.is_empty() {
        return Goal::of_zone(holder, standing);
    }
    // The name is meant to be a zone: it is looked at as one that the zone around it does not delegate yet.
    let new = NsSet {
        names: expectation.new.clone(),
        ..NsSet::default()
    };
    let zone = Zone::new(name.clone(), Some(holder.clone()), new, Vec::new());
    Goal {
        zone: Some(Arc::new(zone)),
        parent: Some(holder),
        standing,
    }
}

impl Goal {
    fn of_zone(zone: Arc<Zone>, standing: Standing) -> Self {
        Self {
            parent: zone.parent.clone(),
            zone: Some(zone),
            standing,
        }
    }
}

/// What the parent says about keys: from the first of its servers that vouches for some, or else denies it.
fn best_proof(parents: &[ParentServer]) -> &[Record] {
    let says = |wanted: fn(&DsSeen) -> bool| parents.iter().find(move |parent| wanted(&parent.ds));
    let found = says(|ds| matches!(ds, DsSeen::Present { .. })).or_else(|| says(|ds| *ds == DsSeen::Absent));
    found.map_or(&[], |parent| &parent.proof)
}

fn path_servers(parent: Option<&Arc<Zone>>, zone: Option<&Arc<Zone>>, survey: &ZoneSurvey) -> Vec<usize> {
    let above = parent.map(Zone::path).unwrap_or_default();
    let mut counts: Vec<usize> = above
        .iter()
        .map(|zone| zone.ns.names.len().max(zone.known.len()))
        .collect();
    counts.extend(zone.map(|_| survey.hosts.len()));
    counts
}
