//! The proof that a zone answers: its servers are asked, over DNS, for everything that was put into it.

mod answer;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;

use futures::{StreamExt as _, stream};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use rand::RngExt as _;
use thiserror::Error;

use crate::error::DnsError;
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::{Published, ZoneHosts, nobody};
use crate::query::{AskError, Question, Reply, ask};
use crate::record::{Ds, LuaRecord, RecordKind, RecordSet, Records};
use crate::signature::{self, SignatureProblem, ZoneKeys};
use crate::zone::ZoneRequest;

/// Questions under way at a time.
const AT_ONCE: usize = 8;

/// What is wrong with an answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ZoneProblem {
    /// No usable answer came.
    #[error("{0}")]
    Unanswered(String),
    /// The server will not or cannot answer.
    #[error("the answer is {0}")]
    Refused(String),
    /// The server does not consider itself in charge.
    #[error("the server is not in charge of the zone")]
    NotAuthoritative,
    /// The answer says something else.
    #[error("the answer is `{found}` instead of `{wanted}`")]
    Differs {
        /// As put in.
        wanted: String,
        /// As answered.
        found: String,
    },
    /// The server was to choose among addresses when it is asked.
    #[error("asked for {kind} it says NOERROR and {found}, instead of one or more of {among}")]
    ChoosesNothing {
        /// What it was asked for.
        kind: RecordKind,
        /// The addresses that it may choose among.
        among: String,
        /// As answered.
        found: String,
    },
    /// The answer may be cached for another time.
    #[error("the answer may be cached for {found} s instead of {wanted} s")]
    Ttl {
        /// As put in.
        wanted: u32,
        /// As answered.
        found: u32,
    },
    /// The answer does not validate.
    #[error("the answer would be bogus: {0}")]
    Bogus(String),
    /// The answer's signature is not valid now: it has expired, or begins later. See [`crate::sealed`].
    #[error("the answer would be bogus: {0}")]
    Untimely(String),
    /// What the zone says of its keys is not what a parent is to publish.
    #[error("it tells a parent to publish `{found}` instead of `{wanted}`")]
    KeysTold {
        /// DS records of the zone's keys.
        wanted: String,
        /// Those that the answer leads to.
        found: String,
    },
    /// The zone does not sign with the key that a parent is told about.
    #[error("no key of the zone fits the DS record `{0}`")]
    NoKeyForDs(String),
    /// The delegation was removed and is given all the same.
    #[error("the delegation was removed, and the server still gives it")]
    StillDelegated,
    /// A secondary has another state of the zone than its primary.
    #[error("its copy has serial {found}, and the primary's is {wanted}")]
    Serial {
        /// The primary's.
        wanted: u32,
        /// The secondary's.
        found: u32,
    },
    /// Anybody gets the whole zone.
    #[error("the server gives the whole zone to anybody, without a key: have its `allow-axfr-ips` be empty")]
    Open,
    /// The zone was removed and is answered for all the same.
    #[error("the zone was removed, and the server still answers for it")]
    Lingers,
}

/// One thing that is wrong with a zone at a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneFinding {
    /// Who was asked.
    pub server: String,
    /// For which name.
    pub name: DomainName,
    /// For which kind of record.
    pub kind: RecordKind,
    /// What came of it.
    pub problem: ZoneProblem,
}

impl fmt::Display for ZoneFinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            server,
            name,
            kind,
            problem,
        } = self;
        write!(f, "`{name}` {kind} at {server}: {problem}")
    }
}

/// Asks every server of the zone. Only an empty list says that the zone answers as wanted, signed, at all of them.
///
/// A server that was asked for the zone before it was there goes on saying so for up to a minute; it is made to forget first.
pub async fn check_zone(
    hosts: &ZoneHosts,
    request: &ZoneRequest,
    published: &Published,
) -> Result<Vec<ZoneFinding>, DnsError> {
    if hosts.is_empty() {
        return Err(nobody("check", &request.name));
    }
    let mut findings = Vec::new();
    for host in hosts {
        let addresses = host.facts().await?.answers_at;
        findings.extend(check_at(&addresses, Some(&**host), request, &published.ds).await?);
    }
    Ok(findings)
}

/// Asks one server; where it is told by its API to forget what it answered before, it is asked again.
pub(crate) async fn check_at(
    addresses: &[SocketAddr],
    host: Option<&dyn ZoneHost>,
    request: &ZoneRequest,
    ds: &[Ds],
) -> Result<Vec<ZoneFinding>, DnsError> {
    let found = check_server(addresses, request, ds).await;
    let Some(host) = host.filter(|_| !found.is_empty()) else {
        return Ok(found);
    };
    for name in names(&found, request) {
        host.forget_answers(&name).await?;
    }
    Ok(check_server(addresses, request, ds).await)
}

/// Names whose answers may be old. Without the zone's keys nothing else was asked for.
fn names(findings: &[ZoneFinding], request: &ZoneRequest) -> BTreeSet<DomainName> {
    let keyless = findings.iter().any(|finding| finding.kind == RecordKind::Dnskey);
    let all = request
        .sets
        .iter()
        .filter(|_| keyless)
        .map(|set| set.name.clone());
    all.chain(findings.iter().map(|finding| finding.name.clone()))
        .collect()
}

/// Asks a server for everything in the zone. It is asked at the first of its addresses that answers at all.
pub async fn check_server(addresses: &[SocketAddr], request: &ZoneRequest, ds: &[Ds]) -> Vec<ZoneFinding> {
    let mut silent = Vec::new();
    for address in addresses {
        let check = Check {
            server: *address,
            zone: &request.name,
        };
        match check.keys(ds).await {
            Ok((keys, mut findings)) => {
                findings.extend(check.told_keys(ds, &keys).await);
                findings.extend(check.sets(&request.all_sets(0), &keys).await);
                return findings;
            }
            Err(finding) => silent.push(finding),
        }
    }
    silent
}

/// Asks a server for a zone that it is no longer to have. None if it answers, and not for the zone; silence proves nothing.
///
/// Another server on the same database may remember the zone for up to a minute; it is made to forget first.
pub async fn still_answers(host: &dyn ZoneHost, zone: &DomainName) -> Result<Option<ZoneFinding>, DnsError> {
    let addresses = host.facts().await?.answers_at;
    let lingers = lingering(&addresses, zone).await;
    if lingers
        .as_ref()
        .is_none_or(|finding| finding.problem != ZoneProblem::Lingers)
    {
        return Ok(lingers);
    }
    host.forget_answers(zone).await?;
    Ok(lingering(&addresses, zone).await)
}

/// Asks at the first address that answers at all.
async fn lingering(addresses: &[SocketAddr], zone: &DomainName) -> Option<ZoneFinding> {
    let mut silent = None;
    for server in addresses {
        let check = Check {
            server: *server,
            zone,
        };
        match check.ask(zone, RecordType::SOA).await {
            Ok(reply) if reply.is_authoritative() && !reply.answers().is_empty() => {
                return Some(check.finding(zone, RecordKind::Soa, ZoneProblem::Lingers));
            }
            Ok(_) => return None,
            Err(error) => {
                let problem = ZoneProblem::Unanswered(error.to_string());
                silent = Some(check.finding(zone, RecordKind::Soa, problem));
            }
        }
    }
    silent
}

/// A zone at one address.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) zone: &'a DomainName,
}

impl Check<'_> {
    pub(crate) fn finding(&self, name: &DomainName, kind: RecordKind, problem: ZoneProblem) -> ZoneFinding {
        ZoneFinding {
            server: self.server.to_string(),
            name: name.clone(),
            kind,
            problem,
        }
    }

    pub(crate) async fn ask(&self, name: &DomainName, kind: RecordType) -> Result<Reply, AskError> {
        ask(self.server, &Question::new(name, kind)?).await
    }

    /// An answer that the server stands for.
    async fn answer(&self, name: &DomainName, kind: RecordType) -> Result<Reply, ZoneProblem> {
        let reply = self.ask(name, kind).await;
        let reply = reply.map_err(|error| ZoneProblem::Unanswered(error.to_string()))?;
        match reply.code() {
            ResponseCode::NoError if reply.is_authoritative() => Ok(reply),
            ResponseCode::NoError => Err(ZoneProblem::NotAuthoritative),
            code => Err(ZoneProblem::Refused(answer::code(code))),
        }
    }

    /// The zone's keys, and what is wrong with them. An error if there are none to go on with.
    pub(crate) async fn keys(&self, ds: &[Ds]) -> Result<(ZoneKeys, Vec<ZoneFinding>), ZoneFinding> {
        let bad = |problem| self.finding(self.zone, RecordKind::Dnskey, problem);
        let reply = self.answer(self.zone, RecordType::DNSKEY).await.map_err(bad)?;
        let keys = ZoneKeys::read(self.zone, reply.answers());
        signature::verify(
            reply.answers(),
            self.zone,
            RecordType::DNSKEY,
            &keys,
            signature::now(),
        )
        .map_err(|problem| bad(bogus(&problem)))?;
        let unmatched = ds.iter().filter(|ds| keys.vouched_for(ds).is_empty());
        let findings = unmatched
            .map(|ds| bad(ZoneProblem::NoKeyForDs(ds.to_string())))
            .collect();
        Ok((keys, findings))
    }

    /// What is wrong with CDS and CDNSKEY. Nothing is expected of them where nothing is known of the keys.
    async fn told_keys(&self, ds: &[Ds], keys: &ZoneKeys) -> Vec<ZoneFinding> {
        let wanted: BTreeSet<&Ds> = ds.iter().collect();
        let mut findings = Vec::new();
        for kind in [RecordType::CDS, RecordType::CDNSKEY]
            .into_iter()
            .filter(|_| !ds.is_empty())
        {
            let problem = match self.told(kind, keys).await {
                Ok(told) if told.iter().collect::<BTreeSet<_>>() == wanted => continue,
                Ok(told) => ZoneProblem::KeysTold {
                    wanted: answer::list(ds),
                    found: answer::list(&told),
                },
                Err(problem) => problem,
            };
            findings.push(self.finding(self.zone, kind.to_string().as_str().into(), problem));
        }
        findings
    }

    /// The DS records that a parent would make of CDS or CDNSKEY records.
    async fn told(&self, kind: RecordType, keys: &ZoneKeys) -> Result<Vec<Ds>, ZoneProblem> {
        let reply = self.answer(self.zone, kind).await?;
        let told = answer::told_keys(&reply, self.zone, kind);
        if !told.is_empty() {
            signature::verify(reply.answers(), self.zone, kind, keys, signature::now())
                .map_err(|problem| bogus(&problem))?;
        }
        Ok(told)
    }

    async fn sets(&self, sets: &[RecordSet], keys: &ZoneKeys) -> Vec<ZoneFinding> {
        // The questions are listed first: a closure over borrowed sets would keep the future from moving between threads.
        let questions: Vec<_> = sets.iter().map(|set| self.problem(set, Some(keys))).collect();
        let findings: Vec<Option<ZoneFinding>> = stream::iter(questions).buffered(AT_ONCE).collect().await;
        findings.into_iter().flatten().collect()
    }

    /// What is wrong with the answer for a set. Without keys its signatures are not looked at.
    pub(crate) async fn problem(&self, set: &RecordSet, keys: Option<&ZoneKeys>) -> Option<ZoneFinding> {
        let problem = self.set(set, keys).await.err()?;
        Some(self.finding(&set.name, set.records.kind(), problem))
    }

    async fn set(&self, set: &RecordSet, keys: Option<&ZoneKeys>) -> Result<(), ZoneProblem> {
        if let Records::Lua(records) = &set.records {
            return self.choice(&set.name, set.ttl, records, keys).await;
        }
        let Some(kind) = answer::wire_kind(&set.records.kind()) else {
            return Ok(());
        };
        let name = self.sample(&set.name);
        let reply = self.answer(&name, kind).await?;
        let found = answer::records(&reply, &name, kind);
        if !set.records.says_the_same_as(&found.records) {
            return Err(ZoneProblem::Differs {
                wanted: set.records.texts().join(", "),
                found: found.records.texts().join(", "),
            });
        }
        if found.ttl != set.ttl {
            return Err(ZoneProblem::Ttl {
                wanted: set.ttl,
                found: found.ttl,
            });
        }
        let Some(keys) = keys else {
            return Ok(());
        };
        let verified = signature::verify(reply.answers(), &name, kind, keys, signature::now());
        verified.map(drop).map_err(|problem| bogus(&problem))
    }

    /// Addresses that the server chooses: any of those that it may choose among, and at least one.
    pub(crate) async fn choice(
        &self,
        name: &DomainName,
        ttl: u32,
        records: &BTreeSet<LuaRecord>,
        keys: Option<&ZoneKeys>,
    ) -> Result<(), ZoneProblem> {
        for record in records {
            let Some(kind) = answer::wire_kind(&record.answers_for()) else {
                continue;
            };
            let name = self.sample(name);
            let reply = self.answer(&name, kind).await?;
            let found = answer::records(&reply, &name, kind);
            let addresses = found.records.addresses();
            if addresses.is_empty() || !addresses.is_subset(record.addresses()) {
                return Err(ZoneProblem::ChoosesNothing {
                    kind: record.answers_for(),
                    among: answer::list(&record.addresses().iter().collect::<Vec<_>>()),
                    found: answer::list(&found.records.texts()),
                });
            }
            if found.ttl != ttl {
                return Err(ZoneProblem::Ttl {
                    wanted: ttl,
                    found: found.ttl,
                });
            }
            if let Some(keys) = keys {
                signature::verify(reply.answers(), &name, kind, keys, signature::now())
                    .map_err(|problem| bogus(&problem))?;
            }
        }
        Ok(())
    }

    /// The name itself; for a wildcard, a name that only the wildcard can answer for.
    fn sample(&self, name: &DomainName) -> DomainName {
        if !name.is_wildcard() {
            return name.clone();
        }
        let label = format!("check-{:016x}", rand::rng().random::<u64>());
        let parent = name.parent().unwrap_or_else(|| self.zone.clone());
        parent.child(&label).unwrap_or(parent)
    }
}

fn bogus(problem: &SignatureProblem) -> ZoneProblem {
    match problem {
        SignatureProblem::Expired { .. } | SignatureProblem::NotYet { .. } => {
            ZoneProblem::Untimely(problem.to_string())
        }
        other => ZoneProblem::Bogus(other.to_string()),
    }
}
