//! A route travelled: look, make the next move, look again, until the goal is reached or there is a reason to turn back.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::fitness::{Fitness, MustAnswer, faults};
use super::memory::Memory;
use super::route::{Move, Route, Seen, Stage, next};
use super::trouble::Trouble;
use super::view::{ParentView, forgotten_after, keyless};
use crate::error::ErrorClass;
use crate::name::DomainName;
use crate::probe::{DelegationReport, Expectation, ProbeConfig, Prober};
use crate::registrar::{
    Cause, Delegation, ParentHost, Progress, RegistrarError, Submitted, Target, Task, manual_keys,
    manual_steps,
};

/// Time between the first two looks; it doubles from look to look.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// Longest time between two looks.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How often a registrar may fail to do what it accepted.
const TRIES: u32 = 3;

/// How long things may take before the journey is given up, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Patience {
    /// Until every server of the parent shows what was asked for through an API.
    pub shown: u64,
    /// Until it shows what a person has to enter.
    pub by_hand: u64,
    /// For which name servers that should answer may fail to.
    pub sick: u64,
}

impl Default for Patience {
    /// A day for registries, which publish within minutes; a week for people; a quarter of an hour for our servers.
    fn default() -> Self {
        Self {
            shown: 86_400,
            by_hand: 7 * 86_400,
            sick: 900,
        }
    }
}

/// A domain on its way along a route.
pub struct Journey<'a> {
    /// The domain.
    pub domain: &'a DomainName,
    /// Who can change its delegation; nobody where a person does.
    pub host: Option<&'a dyn ParentHost>,
    /// Where and how the delegation is looked at.
    pub probe: &'a ProbeConfig,
    /// From where to where.
    pub route: Route,
    /// Which of the servers that are led to must answer.
    pub must_answer: MustAnswer,
    /// How long things may take.
    pub patience: Patience,
    /// Where it is told what goes on.
    pub log: &'a dyn Logbook,
}

/// Takes note of a journey.
#[async_trait]
pub trait Logbook: Send + Sync {
    /// What is waited for, and what was seen last.
    fn waiting(&self, awaited: &str, seen: &str);

    /// Returns once the memory is kept where the next process finds it. Called before anything follows from it.
    async fn keep(&self, memory: &Memory);
}

impl fmt::Debug for Journey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journey")
            .field("domain", self.domain)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

/// What came of a journey.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Travelled {
    /// What is to be remembered.
    pub memory: Memory,
    /// Something was asked for on the way.
    pub changed: bool,
}

/// One look at everything.
struct Look {
    registered: Option<Delegation>,
    parent: ParentView,
    fitness: Fitness,
    /// What else is wrong with the servers that are led to: it matters before anybody is.
    faults: Vec<String>,
    now: Timestamp,
}

impl Look {
    fn seen(&self) -> Seen<'_> {
        Seen {
            registered: self.registered.as_ref(),
            parent: &self.parent,
        }
    }
}

/// What a journey keeps between two looks.
struct Trip {
    memory: Memory,
    kept: Option<Memory>,
    changed: bool,
    registered: Option<Delegation>,
    task: Option<(Task, Target)>,
    failures: u32,
    /// What is waited for, and since when.
    awaited: Option<(String, Instant)>,
    sick_since: Option<Instant>,
    /// The pause before the next look.
    pause: Duration,
    /// The goal was seen once; what is published in pieces has to be seen twice.
    arrived: bool,
}

impl Trip {
    fn begin(memory: Memory) -> Self {
        Self {
            memory,
            kept: None,
            changed: false,
            registered: None,
            task: None,
            failures: 0,
            awaited: None,
            sick_since: None,
            pause: FIRST_PAUSE,
            arrived: false,
        }
    }
}

impl Journey<'_> {
    /// Whether a stage is reached already, seen twice; what is to be remembered if so. Nothing is asked for, and what cannot be
    /// seen, or does not answer, is not there.
    pub async fn stands_at(&self, goal: Stage, memory: Memory) -> Option<Memory> {
        let mut trip = Trip::begin(memory);
        for pause in [FIRST_PAUSE, Duration::ZERO] {
            self.read(&mut trip).await.ok()?;
            let look = self.look(&mut trip).await;
            let step = next(&self.route, goal, look.seen(), &trip.memory, look.now);
            if step != Move::Arrived || !look.fitness.is_proven() {
                return None;
            }
            sleep(pause).await;
        }
        Some(trip.memory)
    }

    /// Travels until a stage is reached. Safe to drop at any point and to begin again: only the world counts, and what caches may
    /// hold by `memory`, whichever way the name went before.
    pub async fn travel(&self, goal: Stage, memory: Memory) -> Result<Travelled, Trouble> {
        let mut trip = Trip::begin(memory);
        loop {
            match self.read(&mut trip).await {
                Ok(()) => {}
                Err(error) => {
                    // Nothing is seen meanwhile, and what was seen before may have passed.
                    trip.sick_since = None;
                    self.bear(&mut trip, error).await?;
                    continue;
                }
            }
            let mut look = self.look(&mut trip).await;
            self.keep(&mut trip).await;
            let step = next(&self.route, goal, look.seen(), &trip.memory, look.now);
            self.count_faults(&mut look, &step);
            self.heed(&mut trip, &look, &step)?;
            match step {
                Move::Arrived if trip.arrived => {
                    return Ok(Travelled {
                        memory: trip.memory,
                        changed: trip.changed,
                    });
                }
                Move::Arrived => {
                    trip.arrived = true;
                    self.log.waiting(&words(goal), &look.parent.to_string());
                    sleep(FIRST_PAUSE).await;
                    continue;
                }
                Move::Strange(now) => {
                    return Err(Trouble::Strange {
                        domain: self.domain.clone(),
                        now,
                    });
                }
                Move::Wait { stage, until } => self.wait(&mut trip, stage, until, &look).await,
                Move::Watch(stage) => self.watch(&mut trip, &words(stage), &look).await?,
                Move::Submit(target) => self.submit(&mut trip, target, &look).await?,
            }
            trip.arrived = false;
        }
    }

    /// Waits until no cache leads to the name servers that are left, wherever the name leads now. Nothing is asked for.
    pub async fn forget(&self, memory: Memory) -> Result<Memory, Trouble> {
        let mut trip = Trip::begin(memory);
        loop {
            if let Err(error) = self.read(&mut trip).await {
                self.bear(&mut trip, error).await?;
                continue;
            }
            let look = self.look(&mut trip).await;
            self.keep(&mut trip).await;
            match trip.memory.left_forgotten(&self.route) {
                Some(until) if until <= look.now => return Ok(trip.memory),
                Some(until) => self.wait(&mut trip, Stage::Forgotten, until, &look).await,
                None => self.watch(&mut trip, &words(Stage::Forgotten), &look).await?,
            }
        }
    }

    /// The registrar's record, if it may have changed since the last look.
    async fn read(&self, trip: &mut Trip) -> Result<(), RegistrarError> {
        if let (Some(host), None) = (self.host, &trip.registered) {
            trip.registered = Some(host.read(self.domain).await?);
        }
        Ok(())
    }

    async fn keep(&self, trip: &mut Trip) {
        if trip.kept.as_ref() != Some(&trip.memory) {
            self.log.keep(&trip.memory).await;
            trip.kept = Some(trip.memory.clone());
        }
    }

    async fn look(&self, trip: &mut Trip) -> Look {
        let expectation = Expectation {
            new: self.route.to.shown.clone(),
            old: self.route.from.shown.clone(),
        };
        let report = Prober::new(self.probe.clone())
            .probe(self.domain, &expectation)
            .await;
        let mut look = Look {
            registered: trip.registered.clone(),
            parent: ParentView::of(&report),
            fitness: Fitness::default(),
            faults: faults(&report, &self.route.to.shown),
            now: Timestamp::now(),
        };
        look.fitness = self.fitness(&report, look.seen());
        let ttl_of = |ns: &BTreeSet<DomainName>| forgotten_after(&report, ns);
        trip.memory.note(&self.route, look.seen(), ttl_of, look.now);
        look
    }

    /// What keeps anybody from being led to the servers, or a key from being vouched for.
    fn fitness(&self, report: &DelegationReport, seen: Seen<'_>) -> Fitness {
        let Route { to, .. } = &self.route;
        match self.must_answer {
            MustAnswer::All => {
                let mut fitness = Fitness::of(report, &to.shown);
                fitness.wrong.extend(keyless(report, &to.shown, &to.vouched));
                fitness
            }
            MustAnswer::One if !self.route.is_ordered(seen) => Fitness::of_any(report, &to.shown),
            MustAnswer::One | MustAnswer::None => Fitness::default(),
        }
    }

    /// Before anybody is led to the servers, their faults count as well.
    fn count_faults(&self, look: &mut Look, step: &Move) {
        let Move::Submit(target) = step else { return };
        let leads_there = target.ns == self.route.to.ns && !self.route.is_ordered(look.seen());
        if self.must_answer == MustAnswer::All && leads_there && look.fitness.wrong.is_empty() {
            look.fitness.wrong.append(&mut look.faults);
        }
    }

    /// Servers that should answer and do not are borne for a while. A look that cannot tell breaks the while off.
    fn heed(&self, trip: &mut Trip, look: &Look, step: &Move) -> Result<(), Trouble> {
        let wrong = &look.fitness.wrong;
        if wrong.is_empty() {
            trip.sick_since = None;
            return Ok(());
        }
        let since = *trip.sick_since.get_or_insert_with(Instant::now);
        let matters = !matches!(step, Move::Strange(_));
        if matters && since.elapsed() >= Duration::from_secs(self.patience.sick) {
            return Err(Trouble::Sick {
                domain: self.domain.clone(),
                wrong: wrong.clone(),
            });
        }
        Ok(())
    }

    async fn wait(&self, trip: &mut Trip, stage: Stage, until: Timestamp, look: &Look) {
        let rest = until.duration_since(look.now);
        let rest = Duration::try_from(rest).unwrap_or_default();
        let seen = format!("until {until:.0}; {}", look.parent);
        self.log.waiting(&words(stage), &seen);
        trip.awaited = None;
        // Nobody asked for a change meanwhile, and what others do shows at the parent.
        sleep(rest.min(LONGEST_PAUSE).max(Duration::from_millis(50))).await;
    }

    /// Looks again after a pause, unless that has gone on for too long.
    async fn watch(&self, trip: &mut Trip, awaited: &str, look: &Look) -> Result<(), Trouble> {
        self.linger(trip, awaited, &look.parent.to_string(), self.patience.shown)
            .await
    }

    async fn linger(&self, trip: &mut Trip, awaited: &str, seen: &str, patience: u64) -> Result<(), Trouble> {
        self.log.waiting(awaited, seen);
        let since = match &trip.awaited {
            Some((known, since)) if known == awaited => *since,
            _ => {
                trip.pause = FIRST_PAUSE;
                let now = Instant::now();
                trip.awaited = Some((awaited.to_owned(), now));
                now
            }
        };
        if since.elapsed() >= Duration::from_secs(patience) {
            return Err(Trouble::Late {
                awaited: awaited.to_owned(),
                seconds: patience,
                seen: seen.to_owned(),
            });
        }
        sleep(trip.pause).await;
        trip.pause = (2 * trip.pause).min(LONGEST_PAUSE);
        trip.registered = None;
        Ok(())
    }

    /// Asks for a change. Servers must answer before anything is done to lead there, and before their keys are vouched for.
    async fn submit(&self, trip: &mut Trip, target: Target, look: &Look) -> Result<(), Trouble> {
        let vouches = target.ds.as_ref().is_some_and(|ds| !ds.is_empty());
        if !look.fitness.is_proven() && (vouches || !self.route.is_ordered(look.seen())) {
            let awaited = format!("the name servers of `{}` to answer", self.domain);
            let lines: Vec<&str> = look.fitness.lines().collect();
            return self
                .linger(trip, &awaited, &lines.join("; "), self.patience.shown)
                .await;
        }
        let Some((host, present)) = self.able(&target).zip(look.registered.as_ref()) else {
            return self.have_done_by_hand(trip, &target, look).await;
        };
        if let Some((task, wanted)) = trip.task.clone().filter(|(_, wanted)| *wanted == target) {
            return self.follow(trip, host, &task, &wanted).await;
        }
        trip.changed = true;
        match host.set(self.domain, present, &target).await {
            Ok(Submitted::Applied(now)) => {
                trip.awaited = None;
                trip.registered = Some(*now);
                Ok(())
            }
            Ok(Submitted::Unchanged) => {
                let awaited = format!("{} to show {target}", host.kind());
                self.linger(trip, &awaited, &present.to_string(), self.patience.shown)
                    .await
            }
            Ok(Submitted::Pending(task)) => {
                trip.task = Some((task.clone(), target.clone()));
                self.follow(trip, host, &task, &target).await
            }
            // It is read again: the next move follows from what it is now.
            Err(error) if matches!(error.cause, Cause::Changed(_)) => {
                self.linger(trip, &error.action, &error.message, self.patience.shown)
                    .await
            }
            // It sets keys, but not one beside another.
            Err(error) if self.route.is_rekey() && matches!(error.cause, Cause::Unsupported) => {
                self.have_done_by_hand(trip, &target, look).await
            }
            Err(error) => self.bear(trip, error).await,
        }
    }

    async fn have_done_by_hand(&self, trip: &mut Trip, target: &Target, look: &Look) -> Result<(), Trouble> {
        let awaited = self.by_hand(target);
        let seen = look.parent.to_string();
        self.linger(trip, &awaited, &seen, self.patience.by_hand).await
    }

    async fn follow(
        &self,
        trip: &mut Trip,
        host: &dyn ParentHost,
        task: &Task,
        target: &Target,
    ) -> Result<(), Trouble> {
        let awaited = format!("{} to set `{}` to {target}", host.kind(), self.domain);
        match host.progress(self.domain, task, target).await {
            Ok(Progress::Done) => {
                trip.task = None;
                trip.awaited = None;
                trip.registered = None;
                Ok(())
            }
            Ok(Progress::Running(seen)) => self.linger(trip, &awaited, &seen, self.patience.shown).await,
            Ok(Progress::Failed(why)) => {
                trip.task = None;
                trip.failures += 1;
                if trip.failures >= TRIES {
                    return Err(Trouble::Refused(RegistrarError {
                        cause: Cause::Rejected,
                        action: format!("set the delegation of `{}` at {}", self.domain, host.kind()),
                        message: format!("it was accepted and failed {TRIES} times: {why}"),
                        remedy: "ask the registrar's support why, with the words above".to_owned(),
                        unsettled: false,
                    }));
                }
                self.linger(trip, &awaited, &why, self.patience.shown).await
            }
            Err(error) => self.bear(trip, error).await,
        }
    }

    /// Waits if waiting may help.
    async fn bear(&self, trip: &mut Trip, error: RegistrarError) -> Result<(), Trouble> {
        if !matches!(error.class(), ErrorClass::Retry | ErrorClass::Unsettled) {
            return Err(Trouble::Refused(error));
        }
        let awaited = format!("a chance to {}", error.action);
        if let Some(after) = error.after() {
            self.log.waiting(&awaited, &error.message);
            sleep(after.min(Duration::from_secs(self.patience.shown))).await;
        }
        self.linger(trip, &awaited, &error.message, self.patience.shown)
            .await
    }

    /// Whoever can bring that about through an API.
    fn able(&self, target: &Target) -> Option<&dyn ParentHost> {
        let able = self.host?.capabilities();
        let can = able.ns && (target.ds.is_none() || able.ds()) && (target.glue.is_empty() || able.glue);
        self.host.filter(|_| can)
    }

    fn by_hand(&self, target: &Target) -> String {
        if self.route.to.shown.is_empty() && target.ns == self.route.to.ns {
            let domain = self.domain;
            return format!("somebody to remove every NS and DS record of `{domain}` from the zone above it");
        }
        if let (true, Some(ds)) = (self.route.is_rekey(), &target.ds) {
            let steps = on_one_line(&manual_keys(self.domain, ds));
            return format!(
                "the parent to read the keys from the zone (CDS), or somebody to do this by hand: {steps}"
            );
        }
        let steps = on_one_line(&manual_steps(self.domain, target).to_string());
        format!("somebody to do this by hand: {steps}")
    }
}

fn on_one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// What a stage is waited for as.
fn words(stage: Stage) -> String {
    match stage {
        Stage::KeysOff => "the old keys (DS) to be gone from the parent and from every cache",
        Stage::Pointed => "every server of the parent to show the wanted name servers",
        Stage::Forgotten => "every cache to forget the name servers that are left",
        Stage::KeysOn => "every server of the parent to vouch for the wanted keys (DS)",
    }
    .to_owned()
}
