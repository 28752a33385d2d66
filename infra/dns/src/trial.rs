//! A trial of LUA records before any name of a Sovereign's depends on them. A server's API takes whatever it is given: whether it
//! evaluates records is found out by asking it over DNS, for names that nobody else asks for.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rand::RngExt as _;
use tokio::time::{Instant, sleep};

use crate::check::{Check, ZoneProblem};
use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost;
use crate::name::{DomainName, DomainNameError};
use crate::publish::{ZoneHosts, nobody, refuse_foreign};
use crate::record::{LuaRecord, LuaRule, RecordKind, RecordSet, Records};
use crate::transfer::{Secondary, serial_at};
use crate::zone::{Change, ZoneRequest};

/// Begins the labels of trials.
const LABEL: &str = "_lua-trial-";
/// Nobody caches a trial for long.
const TTL: u32 = 1;
/// How long a secondary may take to fetch the zone.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);
/// Time between two looks at a secondary.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// Whether a record set is what a trial in that zone leaves behind when it is cut off.
pub(crate) fn is_left(zone: &DomainName, set: &RecordSet) -> bool {
    let is_trial = set
        .name
        .labels()
        .next()
        .is_some_and(|label| label.starts_with(LABEL));
    is_trial && set.records.kind() == RecordKind::Lua && set.name.parent().as_ref() == Some(zone)
}

/// Puts the records that a zone is to get under names of a trial, asks every server and secondary for them, and removes them again.
///
/// Nothing is tried where the zone has no LUA records. [`ErrorClass::Stop`] where a server does not answer as it should, with its
/// answer; no name that anybody uses has changed then.
pub async fn try_lua(
    hosts: &ZoneHosts,
    secondaries: &[Secondary],
    request: &ZoneRequest,
) -> Result<(), DnsError> {
    let zone = &request.name;
    let Some(wanted) = request.choices().next() else {
        return Ok(());
    };
    if hosts.is_empty() {
        return Err(nobody("try LUA records in", zone));
    }
    let trial = Trial::of(zone, wanted)
        .map_err(|error| refusal(zone, error.to_string(), "choose a shorter domain name"))?;
    for host in hosts {
        let Some(present) = host.find(zone).await? else {
            let message = format!("{} does not have it", host.name());
            return Err(refusal(zone, message, "make it with `sovereign up` first"));
        };
        refuse_foreign(&**host, &present, &request.mark)?;
    }
    let outcome = trial.run(hosts, secondaries).await;
    let mut swept = Ok(());
    for host in hosts {
        swept = swept.and(host.change(zone, &trial.removals()).await);
    }
    outcome.and(swept)
}

/// Record sets under names of their own.
#[derive(Debug)]
struct Trial<'a> {
    zone: &'a DomainName,
    /// Answers with an address that is nowhere else, least of all behind a wildcard: who says it has evaluated the record.
    token: RecordSet,
    /// The records that are wanted.
    wanted: RecordSet,
}

impl<'a> Trial<'a> {
    fn of(zone: &'a DomainName, wanted: &RecordSet) -> Result<Self, DomainNameError> {
        let number: u32 = rand::rng().random();
        let name = |which: &str| zone.child(&format!("{LABEL}{number:08x}-{which}"));
        // Out of the class that is reserved and never given out (RFC 1112 section 4).
        let address = IpAddr::V4(Ipv4Addr::from(number | 0xf000_0000));
        Ok(Self {
            zone,
            token: RecordSet {
                name: name("token")?,
                ttl: TTL,
                records: Records::Lua(LuaRecord::choosing(&LuaRule::PickClosest, &[address].into())),
            },
            wanted: RecordSet {
                name: name("wanted")?,
                ttl: TTL,
                records: wanted.records.clone(),
            },
        })
    }

    fn removals(&self) -> [Change; 2] {
        [&self.token, &self.wanted].map(|set| Change::Remove {
            name: set.name.clone(),
            kind: RecordKind::Lua,
        })
    }

    async fn run(&self, hosts: &ZoneHosts, secondaries: &[Secondary]) -> Result<(), DnsError> {
        let sets = [&self.token, &self.wanted].map(|set| Change::Replace(set.clone()));
        for host in hosts {
            host.change(self.zone, &sets).await?;
            let addresses = host.facts().await?.answers_at;
            self.demand(&addresses, host.name(), Remedy::Server).await?;
        }
        let Some(primary) = hosts.first().filter(|_| !secondaries.is_empty()) else {
            return Ok(());
        };
        primary.notify(self.zone).await?;
        let serial = self.serial(primary).await?;
        for secondary in secondaries {
            self.wait_for(secondary, serial).await?;
            self.demand(&[secondary.address], "a secondary", Remedy::Secondary)
                .await?;
        }
        Ok(())
    }

    /// The server is asked at the first of its addresses that answers at all.
    async fn demand(&self, addresses: &[SocketAddr], who: &str, remedy: Remedy) -> Result<(), DnsError> {
        let mut silent = None;
        for server in addresses {
            let check = Check {
                server: *server,
                zone: self.zone,
            };
            let wrong = |set: &RecordSet, problem: ZoneProblem, remedy: &str| {
                let finding = check.finding(&set.name, set.records.kind(), problem);
                refusal(self.zone, format!("{finding} ({who})"), remedy)
            };
            match self.ask(&check, &self.token).await {
                Ok(()) => {
                    let problem = self.ask(&check, &self.wanted).await;
                    return problem.map_err(|problem| {
                        wrong(
                            &self.wanted,
                            problem,
                            "look into the server's log: it evaluates other LUA records",
                        )
                    });
                }
                Err(problem @ ZoneProblem::Unanswered(_)) => {
                    silent = Some(wrong(&self.token, problem, remedy.words()));
                }
                Err(problem) => return Err(wrong(&self.token, problem, remedy.words())),
            }
        }
        let nowhere = || {
            refusal(
                self.zone,
                format!("{who} says no address that it answers at"),
                remedy.words(),
            )
        };
        Err(silent.unwrap_or_else(nowhere))
    }

    async fn ask(&self, check: &Check<'_>, set: &RecordSet) -> Result<(), ZoneProblem> {
        match &set.records {
            Records::Lua(records) => check.choice(&set.name, set.ttl, records, None).await,
            _ => Ok(()),
        }
    }

    async fn serial(&self, primary: &Arc<dyn ZoneHost>) -> Result<u32, DnsError> {
        let present = primary.find(self.zone).await?;
        let gone = || {
            refusal(
                self.zone,
                "somebody removed it meanwhile".to_owned(),
                "make it with `sovereign up` first",
            )
        };
        Ok(present.ok_or_else(gone)?.serial)
    }

    /// Waits until a secondary has the zone with the trial in it.
    async fn wait_for(&self, secondary: &Secondary, serial: u32) -> Result<(), DnsError> {
        if let Some(host) = &secondary.host {
            host.retrieve(self.zone).await?;
        }
        let began = Instant::now();
        loop {
            let seen = serial_at(secondary.address, self.zone).await;
            // Serials wrap around (RFC 1982).
            if seen
                .as_ref()
                .is_ok_and(|seen| seen.wrapping_sub(serial) < 1 << 31)
            {
                return Ok(());
            }
            if began.elapsed() > FETCHED_WITHIN {
                let seen = seen.map_or_else(|error| error.to_string(), |serial| format!("serial {serial}"));
                let message = format!(
                    "secondary {} has not fetched it within {} s; seen last: {seen}",
                    secondary.address,
                    FETCHED_WITHIN.as_secs()
                );
                return Err(refusal(
                    self.zone,
                    message,
                    "see what it lacks with `sovereign zone check`",
                ));
            }
            sleep(LOOK_AGAIN).await;
        }
    }
}

/// What to do about a server that does not evaluate LUA records.
#[derive(Debug, Clone, Copy)]
enum Remedy {
    Server,
    Secondary,
}

impl Remedy {
    const fn words(self) -> &'static str {
        match self {
            Self::Server => {
                "write `enable-lua-records=yes` into its configuration, from 5.1 on `enable-lua-record-updates=yes`, too, and restart it; \
                 or leave `--lua` out: plain addresses work on every server"
            }
            Self::Secondary => {
                "leave `--lua` out: plain addresses work on every secondary, and what a server chooses when it is asked cannot be \
                 handed over signed; or name only servers under `dns.servers`, which sign by themselves"
            }
        }
    }
}

fn refusal(zone: &DomainName, message: String, remedy: &str) -> DnsError {
    DnsError {
        class: ErrorClass::Stop,
        action: format!("accept LUA records in zone `{zone}`"),
        message,
        remedy: remedy.to_owned(),
    }
}
