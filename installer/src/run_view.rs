//! What a run looks like right now: a fold over the journal's events, the only source of every display.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use sovereign_core::agent::SubStep;
use sovereign_core::event::{Event, EventKind, RunOutcome, Wait};
use sovereign_engine::journal::Run;
use sovereign_engine::plan::Plan;
use sovereign_engine::status::StepStatus;

use crate::purpose::Purpose;
use crate::render::time;

/// One step of the run.
#[derive(Debug, Clone)]
pub(crate) struct StepView {
    /// Its name in the plan.
    pub(crate) name: String,
    /// One line for people.
    pub(crate) title: String,
    /// Where it stands.
    pub(crate) status: StepStatus,
    /// When its current or last attempt series began.
    pub(crate) began: Option<Timestamp>,
    /// When it reached its end.
    pub(crate) ended: Option<Timestamp>,
    /// It was found done and nothing was changed.
    pub(crate) found: bool,
    /// What it waits for and saw last.
    pub(crate) wait: Option<Wait>,
    /// Why it will be tried again, while it is.
    pub(crate) retry: Option<String>,
    /// Its output, once it has one.
    pub(crate) output: Option<Value>,
    /// Its parts, in the order in which they began.
    pub(crate) parts: Vec<SubStep>,
}

impl StepView {
    /// The part of the name before the slash: steps of one group are shown together.
    pub(crate) fn group(&self) -> &str {
        self.name
            .split_once('/')
            .map_or(self.name.as_str(), |(group, _)| group)
    }

    /// The step needs nothing more in this run.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.status, StepStatus::Succeeded | StepStatus::Undone)
    }

    /// The step is being worked on.
    pub(crate) fn is_active(&self) -> bool {
        matches!(
            self.status,
            StepStatus::Running { .. } | StepStatus::Undoing { .. }
        )
    }

    /// The step stopped and needs somebody.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(
            self.status,
            StepStatus::Failed { .. } | StepStatus::UndoFailed { .. } | StepStatus::Held { .. }
        )
    }

    /// Time from its begin to its end, or to `now`.
    pub(crate) fn elapsed(&self, now: Timestamp) -> Duration {
        self.began.map_or(Duration::ZERO, |began| {
            time::between(began, self.ended.unwrap_or(now))
        })
    }
}

/// The run as a whole.
#[derive(Debug, Clone)]
pub(crate) struct RunView {
    /// The Sovereign's name.
    pub(crate) sovereign: String,
    /// What it is for.
    pub(crate) purpose: Purpose,
    /// Steps in the plan's order.
    pub(crate) steps: Vec<StepView>,
    /// When this worker took the run in hand.
    pub(crate) began: Option<Timestamp>,
    /// Time of the last event.
    pub(crate) last_at: Option<Timestamp>,
    /// Number of the last event.
    pub(crate) last_seq: u64,
    /// How the last worker let go; `None` while one works or after it died.
    pub(crate) outcome: Option<RunOutcome>,
    /// The last worker.
    pub(crate) worker: Option<String>,
    index: BTreeMap<String, usize>,
}

impl RunView {
    /// A run of which nothing is known yet.
    pub(crate) fn new(plan: &Plan) -> Self {
        let steps: Vec<StepView> = plan
            .steps
            .iter()
            .map(|step| StepView {
                name: step.name.to_string(),
                title: step.title.clone(),
                status: StepStatus::Pending,
                began: None,
                ended: None,
                found: false,
                wait: None,
                retry: None,
                output: None,
                parts: Vec::new(),
            })
            .collect();
        let index = steps
            .iter()
            .enumerate()
            .map(|(at, step)| (step.name.clone(), at))
            .collect();
        Self {
            sovereign: plan.sovereign.to_string(),
            purpose: Purpose::of(plan),
            steps,
            began: None,
            last_at: None,
            last_seq: 0,
            outcome: None,
            worker: None,
            index,
        }
    }

    /// A run as the journal has it.
    pub(crate) fn of(run: &Run) -> Self {
        let mut view = Self::new(&run.plan);
        for event in &run.events {
            view.apply(event);
        }
        view
    }

    /// Takes one event in.
    pub(crate) fn apply(&mut self, event: &Event) {
        self.last_at = Some(event.at);
        self.last_seq = event.seq;
        match &event.kind {
            EventKind::RunStarted { worker, .. } => {
                self.began = Some(event.at);
                self.outcome = None;
                self.worker = Some(worker.clone());
            }
            EventKind::RunEnded { outcome } => {
                self.outcome = Some(*outcome);
                for step in &mut self.steps {
                    step.wait = None;
                }
            }
            EventKind::Heartbeat { waits, .. } => self.waits(waits),
            _ => {}
        }
        let place = event.step.as_ref().and_then(|name| self.index.get(name)).copied();
        if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
            step.apply(event);
        }
    }

    fn waits(&mut self, waits: &[Wait]) {
        for wait in waits {
            let place = self.index.get(&wait.step).copied();
            if let Some(step) = place.and_then(|place| self.steps.get_mut(place)) {
                step.wait = Some(wait.clone());
            }
        }
    }

    /// The step of that name.
    pub(crate) fn step(&self, name: &str) -> Option<&StepView> {
        self.index.get(name).and_then(|place| self.steps.get(*place))
    }

    /// Number of steps that are done.
    pub(crate) fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done()).count()
    }

    /// Time since this worker took the run in hand, up to the last event if it ended.
    pub(crate) fn elapsed(&self, now: Timestamp) -> Duration {
        let end = if self.outcome.is_some() {
            self.last_at.unwrap_or(now)
        } else {
            now
        };
        self.began
            .map_or(Duration::ZERO, |began| time::between(began, end))
    }
}

impl StepView {
    fn apply(&mut self, event: &Event) {
        // The journal refuses illegal moves; should one turn up all the same, the display keeps the last legal status.
        if let Ok(next) = self.status.next(&event.kind) {
            self.status = next;
        }
        match &event.kind {
            EventKind::StepStarted { .. } | EventKind::UndoStarted { .. } => {
                self.began = Some(event.at);
                self.ended = None;
                self.retry = None;
            }
            EventKind::StepRetrying { cause, .. } | EventKind::UndoRetrying { cause, .. } => {
                self.retry = Some(cause.clone());
            }
            EventKind::StepSucceeded { found, output } => {
                self.found = *found;
                self.output = Some(output.clone());
                self.end(event.at);
            }
            EventKind::SubStep(part) if part.is_shown() => self.part(part),
            EventKind::UndoSucceeded
            | EventKind::StepFailed { .. }
            | EventKind::StepHeld { .. }
            | EventKind::UndoFailed { .. } => self.end(event.at),
            _ => {}
        }
    }

    /// A part that is told again replaces what was known of it.
    fn part(&mut self, part: &SubStep) {
        match self.parts.iter_mut().find(|known| known.name == part.name) {
            Some(known) => *known = part.clone(),
            None => self.parts.push(part.clone()),
        }
    }

    fn end(&mut self, at: Timestamp) {
        self.ended = Some(at);
        self.wait = None;
        self.retry = None;
    }
}
