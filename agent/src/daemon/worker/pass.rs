//! Converges towards one document, as often as it takes, and tells only what is new.

use std::collections::{BTreeMap, BTreeSet};

use sovereign_core::agent::SubStepState;

use super::goal::Goal;
use super::tasks::tell_failed;
use crate::daemon::desk::Desk;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Part};

/// One document on its way.
#[derive(Debug)]
pub(super) struct Pass<G> {
    goal: G,
    digest: String,
    /// The first time everything is told; after that, only what is different.
    first: bool,
    /// What keeps each part from being done, as it was told.
    failed: BTreeMap<&'static str, String>,
    changed: BTreeSet<&'static str>,
}

impl<G: Goal> Pass<G> {
    pub(super) fn new(goal: G) -> Self {
        Self {
            digest: goal.digest(),
            goal,
            first: true,
            failed: BTreeMap::new(),
            changed: BTreeSet::new(),
        }
    }

    /// Goes through the parts once; whether all of them are done.
    pub(super) async fn run(&mut self, desk: &Desk, host: &Host) -> bool {
        match self.try_run(desk, host).await {
            Ok(done) => done,
            Err(fault) => {
                if self.failed.insert("agent", fault.cause.clone()).as_ref() != Some(&fault.cause) {
                    tell_failed(desk, &self.digest, &fault);
                }
                false
            }
        }
    }

    /// What is not done, in a few words.
    pub(super) fn missing(&self) -> String {
        let parts: Vec<String> = self.failed.keys().map(|name| format!("`{name}`")).collect();
        format!("not done: {}", parts.join(", "))
    }

    async fn try_run(&mut self, desk: &Desk, host: &Host) -> Result<bool, Fault> {
        if G::SLOT.applied(&host.root)?.as_ref() != Some(&self.digest) {
            // From here on the host is neither the old one nor the new one.
            G::SLOT.set_applied(&host.root, None)?;
        }
        let before = self.failed.clone();
        for part in G::parts() {
            let done = self.part(desk, host, part).await;
            if G::ORDERED && !done {
                break;
            }
        }
        let first = std::mem::replace(&mut self.first, false);
        self.failed.remove("agent");
        if self.failed.is_empty() {
            G::SLOT.set_applied(&host.root, Some(&self.digest))?;
            let changed = u32::try_from(self.changed.len()).unwrap_or(u32::MAX);
            desk.tell(G::done(self.digest.clone(), changed));
            return Ok(true);
        }
        G::SLOT.set_applied(&host.root, None)?;
        if first || before != self.failed {
            let remedy = "each of them says what to do; the agent goes on by itself";
            let fault = Fault::new(self.missing(), remedy);
            tell_failed(desk, &self.digest, &fault);
        }
        Ok(false)
    }

    async fn part(&mut self, desk: &Desk, host: &Host, part: &Part<G>) -> bool {
        desk.begin(part.name);
        if let Some(cause) = self.failed.get(part.name) {
            desk.saw(cause);
        }
        if self.first {
            desk.tell_part(part.name, SubStepState::Begun);
        }
        let outcome = part.converge(host, &self.goal).await;
        let done = outcome.is_ok();
        match outcome {
            Ok(done) => self.done(desk, part.name, done),
            Err(fault) => self.failed(desk, part.name, fault),
        }
        done
    }

    fn done(&mut self, desk: &Desk, name: &'static str, done: Done) {
        let recovered = self.failed.remove(name).is_some();
        if done.changed {
            self.changed.insert(name);
        }
        if !(self.first || recovered || done.changed) {
            return;
        }
        self.begun_again(desk, name);
        let Done { changed, detail } = done;
        desk.tell_part(name, SubStepState::Done { changed, detail });
    }

    fn failed(&mut self, desk: &Desk, name: &'static str, fault: Fault) {
        tracing::warn!(part = name, cause = %fault, remedy = %fault.remedy, "not done");
        if self.failed.get(name) == Some(&fault.cause) {
            return;
        }
        self.begun_again(desk, name);
        let Fault { cause, remedy, log } = fault;
        self.failed.insert(name, cause.clone());
        desk.tell_part(name, SubStepState::Failed { cause, remedy, log });
    }

    fn begun_again(&self, desk: &Desk, name: &str) {
        if !self.first {
            desk.tell_part(name, SubStepState::Begun);
        }
    }
}
