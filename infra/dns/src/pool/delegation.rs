//! What the pool's zone says of a name: its name servers and its keys, put in and taken out together, and marked as its owner's.
//!
//! The zone belongs to whoever runs the pool. In it every name has at most two record sets, NS and DS, and both bear the mark of
//! the Sovereign. What bears another mark, or none, is never written over.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::rr::RecordType;

use super::allocation::Lingers;
use super::deed::DeedError;
use super::fence::Fence;
use crate::check::{Check, ZoneFinding, ZoneProblem};
use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::{ZoneHosts, nobody};
use crate::record::{Ds, RecordKind, RecordSet, Records, Soa};
use crate::zone::{Change, MarkedSet, SetMark, ZoneMark};

/// Longest time to live of a delegation, in seconds.
const MAX_TTL: u32 = 3_600;

/// A delegation as it is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildDelegation {
    /// The pool's zone.
    pub pool: DomainName,
    /// The name in it.
    pub child: DomainName,
    /// Whose it is.
    pub mark: ZoneMark,
    /// Which of the name's owners that is.
    pub generation: u64,
    /// Name servers of the child.
    pub nameservers: BTreeSet<DomainName>,
    /// Which of the child's keys the pool vouches for.
    pub ds: BTreeSet<Ds>,
}

impl ChildDelegation {
    fn sets(&self, ttl: u32) -> [RecordSet; 2] {
        let set = |records| RecordSet {
            name: self.child.clone(),
            ttl,
            records,
        };
        [
            set(Records::Ns(self.nameservers.clone())),
            set(Records::Ds(self.ds.clone())),
        ]
    }

    fn set_mark(&self) -> SetMark {
        SetMark {
            owner: self.mark.as_str().to_owned(),
            generation: self.generation,
        }
    }

    fn is_met(&self, there: &[MarkedSet], ttl: u32) -> bool {
        let mark = self.set_mark();
        there.len() == 2
            && self.sets(ttl).iter().all(|wanted| {
                let mut met = there.iter().filter(|there| there.set == *wanted);
                met.any(|there| there.mark.as_ref() == Some(&mark))
            })
    }
}

/// Whether every server has exactly this delegation. Only reads; one of somebody else is an error of class [`ErrorClass::Taken`].
pub async fn look(hosts: &ZoneHosts, wanted: &ChildDelegation) -> Result<bool, DnsError> {
    let mut met = !hosts.is_empty();
    for host in hosts {
        let place = Place::read(&**host, &wanted.pool, &wanted.child).await?;
        place.refuse_foreign(wanted)?;
        met &= wanted.is_met(&place.sets, place.ttl);
    }
    Ok(met)
}

/// Puts name servers and keys into the pool's zone on every server, in one change each. Nothing is written anywhere while any of
/// them has a delegation of somebody else. May be called again after any failure.
pub async fn delegate(hosts: &ZoneHosts, wanted: &ChildDelegation) -> Result<(), DnsError> {
    if hosts.is_empty() {
        return Err(nobody("delegate", &wanted.child));
    }
    let mut places = Vec::with_capacity(hosts.len());
    for host in hosts {
        let place = Place::read(&**host, &wanted.pool, &wanted.child).await?;
        place.refuse_foreign(wanted)?;
        places.push(place);
    }
    for place in places
        .iter()
        .filter(|place| !wanted.is_met(&place.sets, place.ttl))
    {
        let sets = wanted.sets(place.ttl);
        let changes = sets.map(|set| Change::Mark(set, wanted.set_mark()));
        place.host.change(&wanted.pool, &changes).await?;
        place.host.forget_answers(&wanted.child).await?;
    }
    Ok(())
}

/// Asks every server, over DNS, for the keys that the pool vouches for. Only an empty list says that all of them give exactly
/// these, signed where the pool is signed.
///
/// Name servers are not asked for: a server that has pool and child gives the child's own, and hides the cut.
pub async fn check(hosts: &ZoneHosts, wanted: &ChildDelegation) -> Result<Vec<ZoneFinding>, DnsError> {
    let mut findings = Vec::new();
    for host in hosts {
        let place = Place::read(&**host, &wanted.pool, &wanted.child).await?;
        let [_, ds] = wanted.sets(place.ttl);
        let answers_at = host.facts().await?.answers_at;
        let problem = asked(&answers_at, &wanted.pool, &ds, place.signed).await;
        if problem.is_some() {
            host.forget_answers(&wanted.child).await?;
            findings.extend(asked(&answers_at, &wanted.pool, &ds, place.signed).await);
        }
    }
    Ok(findings)
}

/// For how long caches may go on giving the delegation, and what the name's zone says, after they are gone; not at all where no
/// server has one of this owner.
pub async fn lingers(
    hosts: &ZoneHosts,
    pool: &DomainName,
    child: &DomainName,
    mark: &ZoneMark,
) -> Result<Lingers, DnsError> {
    let mut longest = Lingers::default();
    for host in hosts {
        let place = Place::read(&**host, pool, child).await?;
        let ours = place.sets_of(mark).map(|set| set.set.ttl.max(place.negative_ttl));
        let zone = host.find(child).await?.filter(|zone| zone.is_of(mark));
        longest = longest.or_longer(Lingers {
            delegation: ours.max().unwrap_or_default(),
            zone: zone.map_or(0, |zone| zone.longest_ttl()),
        });
    }
    Ok(longest)
}

/// Takes out of the pool's zone what bears the mark, on every server, if the name is still the caller's to take away, and sees that none gives it any more; what is wrong is in the
/// list. What is not there, or is somebody else's, counts as taken out.
pub async fn withdraw(
    hosts: &ZoneHosts,
    pool: &DomainName,
    child: &DomainName,
    mark: &ZoneMark,
    fence: &mut Fence<'_>,
) -> Result<Vec<ZoneFinding>, DeedError> {
    if hosts.is_empty() {
        return Err(nobody("take the delegation out of", pool).into());
    }
    let mut findings = Vec::new();
    for host in hosts {
        let place = Place::read(&**host, pool, child).await?;
        let ours: Vec<Change> = place.sets_of(mark).map(removal).collect();
        if !ours.is_empty() {
            fence.pass().await?;
            host.change(pool, &ours).await?;
            host.forget_answers(child).await?;
        }
        // What is left is somebody else's.
        if ours.len() == place.sets.len() {
            let answers_at = host.facts().await?.answers_at;
            findings.extend(lingering(&answers_at, pool, child).await);
        }
    }
    Ok(findings)
}

fn removal(marked: &MarkedSet) -> Change {
    Change::Remove {
        name: marked.set.name.clone(),
        kind: marked.set.records.kind(),
    }
}

/// A name in the pool's zone on one server.
pub(super) struct Place<'a> {
    host: &'a dyn ZoneHost,
    pool: DomainName,
    child: DomainName,
    sets: Vec<MarkedSet>,
    pub(super) signed: bool,
    /// What a delegation may be cached for: as long as its absence, so that one comes as fast as it goes.
    ttl: u32,
    negative_ttl: u32,
}

impl<'a> Place<'a> {
    pub(super) async fn read(
        host: &'a dyn ZoneHost,
        pool: &DomainName,
        child: &DomainName,
    ) -> Result<Self, DnsError> {
        let missing = || no_pool(host, pool);
        let sets = host.sets(pool, Some(child)).await?.ok_or_else(missing)?;
        let apex = host.sets(pool, Some(pool)).await?.ok_or_else(missing)?;
        let negative_ttl = negative_ttl(&apex).ok_or_else(|| no_start(host, pool))?;
        let signed = !host.keys(pool).await?.is_empty();
        Ok(Self {
            host,
            pool: pool.clone(),
            child: child.clone(),
            sets,
            signed,
            ttl: negative_ttl.clamp(1, MAX_TTL),
            negative_ttl,
        })
    }

    fn sets_of<'s>(&'s self, mark: &'s ZoneMark) -> impl Iterator<Item = &'s MarkedSet> {
        let ours = |set: &&MarkedSet| set.mark.as_ref().is_some_and(|found| found.is_of(mark));
        self.sets.iter().filter(ours)
    }

    /// The first record set that is not this owner's.
    pub(super) fn foreign(&self, mark: &ZoneMark) -> Option<&MarkedSet> {
        let ours = |set: &MarkedSet| set.mark.as_ref().is_some_and(|found| found.is_of(mark));
        self.sets.iter().find(|set| !ours(set))
    }

    fn refuse_foreign(&self, wanted: &ChildDelegation) -> Result<(), DnsError> {
        let ours = |set: &MarkedSet| {
            let mark = set.mark.as_ref();
            mark.is_some_and(|mark| mark.is_of(&wanted.mark) && mark.generation <= wanted.generation)
        };
        let Some(foreign) = self.sets.iter().find(|set| !ours(set)) else {
            return Ok(());
        };
        let (child, pool, host) = (&self.child, &self.pool, self.host.name());
        Err(DnsError {
            class: ErrorClass::Taken,
            action: format!("delegate `{child}` in zone `{pool}` at {host}"),
            message: format!(
                "there is a record set of kind {} already, and it belongs to {}",
                foreign.set.records.kind(),
                whose(foreign.mark.as_ref())
            ),
            remedy: "choose another label; or, if the records are yours to give away, take them out of the pool's zone".to_owned(),
        })
    }
}

/// An owner in words.
pub(super) fn whose(mark: Option<&SetMark>) -> String {
    mark.map_or_else(
        || "nobody that the installer knows".to_owned(),
        |mark| format!("`{}` in generation {}", mark.owner, mark.generation),
    )
}

fn negative_ttl(apex: &[MarkedSet]) -> Option<u32> {
    let start = |set: &MarkedSet| match &set.set.records {
        Records::Soa(Soa { negative_ttl, .. }) => Some((*negative_ttl).min(set.set.ttl)),
        _ => None,
    };
    apex.iter().find_map(start)
}

fn no_pool(host: &dyn ZoneHost, pool: &DomainName) -> DnsError {
    DnsError {
        class: ErrorClass::Stop,
        action: format!("read pool `{pool}` at {}", host.name()),
        message: "the server has no such zone".to_owned(),
        remedy: "make the pool's zone on every server of `dns.servers`, or correct `domain.pool`".to_owned(),
    }
}

fn no_start(host: &dyn ZoneHost, pool: &DomainName) -> DnsError {
    DnsError {
        class: ErrorClass::Stop,
        action: format!("read pool `{pool}` at {}", host.name()),
        message: "the zone has no start of authority (SOA)".to_owned(),
        remedy: "give the pool's zone a SOA record".to_owned(),
    }
}

/// Asks at the first address that answers at all.
async fn asked(
    addresses: &[SocketAddr],
    pool: &DomainName,
    ds: &RecordSet,
    signed: bool,
) -> Option<ZoneFinding> {
    let mut silent = None;
    for server in addresses {
        let check = Check {
            server: *server,
            zone: pool,
        };
        let keys = if signed {
            check.keys(&[]).await.map(Some)
        } else {
            Ok(None)
        };
        let problem = match keys {
            Ok(keys) => check.problem(ds, keys.as_ref().map(|(keys, _)| keys)).await,
            Err(finding) => Some(finding),
        };
        match problem {
            Some(finding) if matches!(finding.problem, ZoneProblem::Unanswered(_)) => silent = Some(finding),
            problem => return problem,
        }
    }
    silent
}

/// A delegation that a server still gives, asked at the first address that answers at all.
async fn lingering(addresses: &[SocketAddr], pool: &DomainName, child: &DomainName) -> Option<ZoneFinding> {
    let mut silent = None;
    for server in addresses {
        let check = Check {
            server: *server,
            zone: pool,
        };
        match check.ask(child, RecordType::DS).await {
            Ok(reply) if reply.answers().is_empty() => return None,
            Ok(_) => return Some(check.finding(child, RecordKind::Ds, ZoneProblem::StillDelegated)),
            Err(error) => {
                let problem = ZoneProblem::Unanswered(error.to_string());
                silent = Some(check.finding(child, RecordKind::Ds, problem));
            }
        }
    }
    silent
}
