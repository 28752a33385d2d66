//! The signatures of a zone at each of its servers and secondaries: whether they are in time, and if not, why and what to do.
//!
//! A server that signs makes signatures as it answers, from its own clock: what is wrong with their times is wrong with a clock. A
//! secondary has the signatures that it fetched: they age there, whatever its clock says.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hickory_proto::dnssec::rdata::DNSSECRData;
use hickory_proto::rr::{RData, RecordType};

use crate::error::DnsError;
use crate::name::DomainName;
use crate::publish::ZoneHosts;
use crate::query::{Question, Reply, ask, of};
use crate::signature::{self, RENEWED, span};
use crate::transfer::Secondary;

/// What is asked for: there is one of each in every zone.
const KINDS: [(RecordType, &str); 3] = [
    (RecordType::SOA, "SOA"),
    (RecordType::DNSKEY, "DNSKEY"),
    (RecordType::NS, "NS"),
];
/// A copy is fetched anew within this time after its primary has other signatures, in seconds.
const FETCHED: u32 = 86_400;

/// A signature, as an answer has it. Times are in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seal {
    /// What is signed.
    pub kind: &'static str,
    /// Tag of the key.
    pub key: u16,
    /// From when on it is valid.
    pub inception: u32,
    /// Until when.
    pub expiration: u32,
}

impl Seal {
    /// Seconds until it expires; negative once it has. Times wrap around (RFC 4034 section 3.1.5).
    fn left(&self, now: u32) -> i32 {
        self.expiration.wrapping_sub(now).cast_signed()
    }

    /// Seconds until it is valid; negative once it is.
    fn ahead(&self, now: u32) -> i32 {
        self.inception.wrapping_sub(now).cast_signed()
    }

    fn holds(&self, now: u32) -> bool {
        self.left(now) >= 0 && self.ahead(now) <= 0
    }
}

/// The signatures that one server answers with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Which.
    pub server: SocketAddr,
    /// It has the zone from another one.
    pub is_secondary: bool,
    /// Of each kind of record that was asked for, one for each key.
    pub seals: Vec<Seal>,
}

impl Sealed {
    /// Of each kind the signature that does best: one that holds is enough.
    fn best(&self, now: u32) -> Vec<&Seal> {
        let of_kind = |kind| self.seals.iter().filter(move |seal| seal.kind == kind);
        let best = |kind| of_kind(kind).max_by_key(|seal| (seal.holds(now), seal.left(now)));
        KINDS.iter().filter_map(|(_, kind)| best(*kind)).collect()
    }

    fn keys(&self) -> BTreeSet<u16> {
        self.seals.iter().map(|seal| seal.key).collect()
    }
}

/// What is wrong with signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealProblem {
    /// They have expired: every answer is bogus.
    Expired,
    /// They are valid only later: every answer is bogus.
    Future,
    /// They are about to expire and should have been renewed.
    Expires,
    /// They are older than the primary's.
    Older,
    /// They are by other keys than the first server's.
    OtherKeys,
}

/// What is wrong with the signatures of one server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealFinding {
    /// Which.
    pub server: SocketAddr,
    /// What.
    pub problem: SealProblem,
    /// In words, with its cause.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// Asks every server, at the first of its addresses that answers, and every secondary. A server that is silent, or does not sign, has
/// no signatures here: [`crate::check_zone`] tells of it.
pub async fn seals(
    hosts: &ZoneHosts,
    secondaries: &[Secondary],
    zone: &DomainName,
) -> Result<Vec<Sealed>, DnsError> {
    let mut all = Vec::new();
    for host in hosts {
        for address in host.facts().await?.answers_at {
            if let Some(sealed) = seals_at(address, false, zone).await {
                all.push(sealed);
                break;
            }
        }
    }
    for secondary in secondaries {
        all.extend(seals_at(secondary.address, true, zone).await);
    }
    Ok(all)
}

async fn seals_at(server: SocketAddr, is_secondary: bool, zone: &DomainName) -> Option<Sealed> {
    let mut seals = Vec::new();
    for (kind, word) in KINDS {
        let reply = ask(server, &Question::new(zone, kind).ok()?).await.ok()?;
        seals.extend(read(&reply, zone, kind, word));
    }
    (!seals.is_empty()).then_some(Sealed {
        server,
        is_secondary,
        seals,
    })
}

fn read(reply: &Reply, zone: &DomainName, kind: RecordType, word: &'static str) -> Vec<Seal> {
    let signatures = of(reply.answers(), zone, RecordType::RRSIG).filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) => Some(signature.input()),
        _ => None,
    });
    let signatures = signatures.filter(|input| input.type_covered == kind);
    let seals = signatures.map(|input| Seal {
        kind: word,
        key: input.key_tag,
        inception: input.sig_inception.get(),
        expiration: input.sig_expiration.get(),
    });
    seals.collect()
}

/// What is wrong with the signatures by this machine's clock.
pub fn judge_now(all: &[Sealed]) -> Vec<SealFinding> {
    judge(all, signature::now())
}

/// What is wrong with the signatures at a time in seconds since 1970, each with its cause and what to do. Pure.
pub fn judge(all: &[Sealed], now: u32) -> Vec<SealFinding> {
    // One clock that is off is likelier than many.
    let off = |problem| {
        all.len() > 1
            && all
                .iter()
                .all(|one| in_time(one, now).is_some_and(|it| it.0 == problem))
    };
    let ours_is_off = off(SealProblem::Expired) || off(SealProblem::Future);
    let primary = all.iter().find(|one| !one.is_secondary);
    let mut findings = Vec::new();
    for one in all {
        let timely = in_time(one, now).map(|(problem, seal, seconds)| {
            let what = what(problem, seal, seconds);
            let (cause, remedy) = if ours_is_off {
                OUR_CLOCK
            } else {
                cause(
                    problem,
                    one.is_secondary,
                    primary.is_some_and(|primary| is_fresh(primary, now)),
                )
            };
            finding(one, problem, format!("{what}: {cause}"), remedy)
        });
        let compared = primary.filter(|primary| primary.server != one.server);
        let compared = compared.and_then(|primary| beside(one, primary, now));
        // Whoever has other keys, or an older copy, is told once.
        findings.extend(timely.or(compared));
    }
    findings
}

/// The worst of a server's signatures, if one is not in time, and by how many seconds.
fn in_time(one: &Sealed, now: u32) -> Option<(SealProblem, &Seal, u32)> {
    let problems = one.best(now).into_iter().filter_map(|seal| {
        let (left, ahead) = (seal.left(now), seal.ahead(now));
        if left < 0 {
            Some((SealProblem::Expired, seal, left.unsigned_abs()))
        } else if ahead > 0 {
            Some((SealProblem::Future, seal, ahead.unsigned_abs()))
        } else if left.unsigned_abs() < RENEWED {
            Some((SealProblem::Expires, seal, left.unsigned_abs()))
        } else {
            None
        }
    });
    problems.min_by_key(|(problem, seal, _)| (*problem == SealProblem::Expires, seal.left(now)))
}

fn is_fresh(one: &Sealed, now: u32) -> bool {
    in_time(one, now).is_none()
}

fn what(problem: SealProblem, seal: &Seal, seconds: u32) -> String {
    let Seal { kind, key, .. } = seal;
    let span = span(seconds);
    match problem {
        SealProblem::Expired => {
            format!("the signature of {kind} by key {key} expired {span} ago, and every answer is bogus")
        }
        SealProblem::Future => format!(
            "the signature of {kind} by key {key} is valid only in {span}, and every answer is bogus until then"
        ),
        SealProblem::Expires | SealProblem::Older | SealProblem::OtherKeys => {
            format!("the signature of {kind} by key {key} expires in {span}")
        }
    }
}

const OUR_CLOCK: (&str, &str) = (
    "it is so at every server, so the clock of this machine is off",
    "set the clock of this machine right, and look again",
);

/// Why signatures are not in time, and what to do.
fn cause(problem: SealProblem, is_secondary: bool, primary_is_fresh: bool) -> (&'static str, &'static str) {
    const FETCH: &str = "see in its log why it does not: whether the primary's address and TSIG key are right (`sovereign zone secondaries`), and whether it fetches a zone whose serial stays while its signatures change; then have it fetch the zone, such as with `pdns_control retrieve ZONE`";
    match (problem, is_secondary) {
        (SealProblem::Future, false) => (
            "its clock is ahead of this machine's",
            "set the clock of that server right (NTP); `pdns_control purge` has it sign anew",
        ),
        (SealProblem::Future, true) => (
            "the clock of the primary was ahead when it was fetched",
            "set the clock of the primary right (NTP), then have the secondary fetch the zone again",
        ),
        (_, false) => (
            "it signs as it answers, so its clock is behind this machine's",
            "set the clock of that server right (NTP); `pdns_control purge` has it sign anew",
        ),
        (_, true) if primary_is_fresh => ("it has not fetched those that the primary has now", FETCH),
        (_, true) => (
            "it has those of its primary, which are no better",
            "set the primary right first, then have the secondary fetch the zone again",
        ),
    }
}

/// How a server's signatures differ from those of the first that signs.
fn beside(one: &Sealed, primary: &Sealed, now: u32) -> Option<SealFinding> {
    if one.keys() != primary.keys() {
        let message = format!(
            "it signs with key {} and {} with key {}: a roll of the key has not come to all of them",
            tags(one),
            primary.server,
            tags(primary)
        );
        let remedy = "`sovereign zone roll-key` goes on with a roll that was stopped; a secondary that stays behind has to fetch the zone again";
        return Some(finding(one, SealProblem::OtherKeys, message, remedy));
    }
    let earliest = |sealed: &Sealed| sealed.best(now).iter().map(|seal| seal.left(now)).min();
    let behind = earliest(primary)?.checked_sub(earliest(one)?)?;
    let is_older = one.is_secondary && u32::try_from(behind).is_ok_and(|behind| behind > FETCHED);
    is_older.then(|| {
        let message = format!(
            "its signatures expire {} before the primary's: it has not fetched those yet",
            span(behind.unsigned_abs())
        );
        let remedy = "nothing, if it fetches the zone within its refresh time; else see why it does not";
        finding(one, SealProblem::Older, message, remedy)
    })
}

fn tags(sealed: &Sealed) -> String {
    let tags: Vec<String> = sealed.keys().iter().map(ToString::to_string).collect();
    tags.join(", ")
}

fn finding(one: &Sealed, problem: SealProblem, message: String, remedy: &str) -> SealFinding {
    SealFinding {
        server: one.server,
        problem,
        message,
        remedy: remedy.to_owned(),
    }
}

#[cfg(test)]
mod tests;
