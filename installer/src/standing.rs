//! Where a Sovereign stands, derived from its journal and never stored.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use sovereign_bootstrap::steps::Made;
use sovereign_core::agent::SubStep;
use sovereign_core::event::RunOutcome;
use sovereign_engine::journal::Run;
use sovereign_engine::plan::Plan;
use sovereign_engine::status::StepStatus;

use crate::next::Next;
use crate::purpose::Purpose;
use crate::render::events::wait_text;
use crate::render::{summary, time};
use crate::run_view::{RunView, StepView};

/// Name of the last step of a plan that hands off.
const LET_GO: &str = "let_go";
/// A working run writes at least every 5 s; three of those missed mean that nobody works on it.
const SILENT_AFTER: Duration = Duration::from_secs(15);

/// A Sovereign's state in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Everything planned is there.
    Up,
    /// It goes on by itself, and this installer has no way in any more.
    HandedOff,
    /// An installer works on it.
    Building,
    /// An installer removes it.
    Destroying,
    /// An installer gives the delegation of its name back.
    RollingBack,
    /// The delegation of its name was given back; everything else is there.
    RolledBack,
    /// An installer works on its zone.
    ChangingZone,
    /// The last run ended without saying so.
    Interrupted,
    /// The operator cancelled the last run.
    Cancelled,
    /// A person or the world must act.
    Held,
    /// At least one step failed.
    Failed,
    /// Nothing is left.
    Destroyed,
}

impl State {
    fn of(view: &RunView, now: Timestamp) -> Self {
        let heard = view.last_at.map_or(Duration::MAX, |at| time::between(at, now));
        match (view.outcome, view.purpose) {
            (Some(RunOutcome::Completed), Purpose::Up) if view.step(LET_GO).is_some() => Self::HandedOff,
            (Some(RunOutcome::Completed), Purpose::Up | Purpose::Addresses | Purpose::RollKey) => Self::Up,
            (Some(RunOutcome::Completed), Purpose::Destroy) => Self::Destroyed,
            (Some(RunOutcome::Completed), Purpose::Rollback) => Self::RolledBack,
            (Some(RunOutcome::Held), _) => Self::Held,
            (Some(RunOutcome::Cancelled), _) => Self::Cancelled,
            (Some(RunOutcome::Failed), _) => Self::Failed,
            (None, _) if heard > SILENT_AFTER => Self::Interrupted,
            (None, Purpose::Up) => Self::Building,
            (None, Purpose::Destroy) => Self::Destroying,
            (None, Purpose::Rollback) => Self::RollingBack,
            (None, Purpose::Addresses | Purpose::RollKey) => Self::ChangingZone,
        }
    }

    /// The state as it is written in JSON and tables.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::HandedOff => "handed_off",
            Self::Building => "building",
            Self::Destroying => "destroying",
            Self::RollingBack => "rolling_back",
            Self::RolledBack => "rolled_back",
            Self::ChangingZone => "changing_zone",
            Self::Interrupted => "interrupted",
            Self::Cancelled => "cancelled",
            Self::Held => "held",
            Self::Failed => "failed",
            Self::Destroyed => "destroyed",
        }
    }
}

/// Numbers of steps by where they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Counts {
    /// In the plan.
    pub(crate) total: usize,
    /// Done.
    pub(crate) done: usize,
    /// Begun without a recorded end.
    pub(crate) begun: usize,
    /// Failed or held.
    pub(crate) stopped: usize,
    /// Not begun.
    pub(crate) pending: usize,
}

/// A step that is in flight, half done or stopped.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OpenStep {
    /// Its name in the plan.
    pub(crate) name: String,
    /// One line for people.
    pub(crate) title: String,
    /// `running`, `undoing`, `failed`, `undo_failed` or `held`.
    pub(crate) status: &'static str,
    /// What it waits for and saw last, why it failed or why it is held.
    pub(crate) detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hint: Option<String>,
}

/// Where a Sovereign stands.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Standing {
    /// Its name.
    pub(crate) sovereign: String,
    /// Its state.
    pub(crate) state: State,
    /// What the last run was for: `up`, `destroy` or `rollback`.
    pub(crate) purpose: Purpose,
    /// Number of the last run.
    pub(crate) run: u64,
    /// Digest of its plan.
    pub(crate) plan: String,
    /// Digest of the spec the plan was made from.
    pub(crate) spec: String,
    /// Its steps.
    pub(crate) steps: Counts,
    /// Steps that are in flight, half done or stopped.
    pub(crate) open: Vec<OpenStep>,
    /// Steps that have parts, each with all of them.
    pub(crate) parts: Vec<StepParts>,
    /// When a worker last took the run in hand.
    pub(crate) began: Option<Timestamp>,
    /// When something was last written.
    pub(crate) last_event_at: Option<Timestamp>,
    /// Number of the last event, for `logs --since`.
    pub(crate) last_seq: u64,
    /// What the run made or found.
    pub(crate) resources: Vec<Made>,
    /// Who worked on it last.
    pub(crate) worker: Option<String>,
    /// Commands that make sense now, the most likely first.
    pub(crate) next: Vec<Next>,
}

impl Standing {
    /// The standing that a run leaves its Sovereign in.
    pub(crate) fn of(run: &Run, now: Timestamp) -> Self {
        let view = RunView::of(run);
        let state = State::of(&view, now);
        Self {
            sovereign: view.sovereign.clone(),
            state,
            purpose: view.purpose,
            run: run.id.0,
            plan: run.plan.digest().to_string(),
            spec: run.plan.spec_digest.clone(),
            steps: Counts::of(&view),
            open: view.steps.iter().filter_map(OpenStep::of).collect(),
            parts: view.steps.iter().filter_map(StepParts::of).collect(),
            began: view.began,
            last_event_at: view.last_at,
            last_seq: view.last_seq,
            next: next(state, &run.plan, &view),
            resources: summary::made(&view),
            worker: view.worker,
        }
    }
}

/// A step with its parts.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StepParts {
    /// Its name in the plan.
    pub(crate) step: String,
    /// Its parts, in the order in which they began.
    pub(crate) parts: Vec<SubStep>,
}

impl StepParts {
    fn of(step: &StepView) -> Option<Self> {
        (!step.parts.is_empty()).then(|| Self {
            step: step.name.clone(),
            parts: step.parts.clone(),
        })
    }
}

impl Counts {
    fn of(view: &RunView) -> Self {
        let number = |test: fn(&StepView) -> bool| view.steps.iter().filter(|step| test(step)).count();
        Self {
            total: view.steps.len(),
            done: view.done(),
            begun: number(StepView::is_active),
            stopped: number(StepView::is_stopped),
            pending: number(|step| step.status == StepStatus::Pending),
        }
    }
}

impl OpenStep {
    /// The step, if it is neither done nor untouched.
    pub(crate) fn of(step: &StepView) -> Option<Self> {
        let (status, detail, hint) = match &step.status {
            StepStatus::Pending | StepStatus::Succeeded | StepStatus::Undone => return None,
            StepStatus::Running { .. } => ("running", activity(step), None),
            StepStatus::Undoing { .. } => ("undoing", activity(step), None),
            StepStatus::Failed { cause, remedy } => ("failed", cause.clone(), Some(remedy.clone())),
            StepStatus::UndoFailed { cause, remedy } => ("undo_failed", cause.clone(), Some(remedy.clone())),
            StepStatus::Held { reason, instructions } => ("held", reason.clone(), Some(instructions.clone())),
        };
        Some(Self {
            name: step.name.clone(),
            title: step.title.clone(),
            status,
            detail,
            hint,
        })
    }
}

fn activity(step: &StepView) -> String {
    match (&step.retry, &step.wait) {
        (Some(cause), _) => format!("will be tried again: {cause}"),
        (None, Some(wait)) => wait_text(wait),
        (None, None) => "begun, its end is not recorded".to_owned(),
    }
}

fn next(state: State, plan: &Plan, view: &RunView) -> Vec<Next> {
    let name = &view.sovereign;
    match (state, view.purpose) {
        (State::Building | State::Destroying | State::RollingBack | State::ChangingZone, _) => {
            vec![Next::new("logs", name, "--follow", "shows it happen")]
        }
        (State::Up, _) => summary::next_of_what_is_up(plan, view),
        (State::HandedOff, _) => vec![Next::report(name), Next::destroy(name)],
        (State::Destroyed, _) => Vec::new(),
        (_, Purpose::Up) => vec![Next::go_on("up", name), Next::destroy(name)],
        (_, Purpose::Destroy) => vec![Next::go_on("destroy", name)],
        (State::RolledBack, _) => vec![Next::delegate_again(name), Next::destroy(name)],
        (_, Purpose::Addresses) => vec![Next::check_zone(name), Next::destroy(name)],
        (_, Purpose::RollKey) => vec![Next::go_on("zone roll-key", name), Next::destroy(name)],
        (_, Purpose::Rollback) => vec![Next::go_on("dns rollback", name), Next::destroy(name)],
    }
}
