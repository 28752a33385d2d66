//! What happened to a Sovereign, in one monotonic sequence that every reader can replay from any point.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::SubStep;

/// One thing that happened. `seq` grows by one per Sovereign and never repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Position in the Sovereign's sequence, from 1.
    pub seq: u64,
    /// When it was recorded, by the installer's clock.
    pub at: Timestamp,
    /// Name of the step it concerns; `None` for the run as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// One wait inside a [`EventKind::Heartbeat`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Name of the waiting step.
    pub step: String,
    /// What it waits for.
    pub waiting_for: String,
    /// What it saw last.
    pub last_seen: String,
    /// Milliseconds since the wait began.
    pub for_ms: u64,
}

/// The kinds of [`Event`]. Those that begin with `Step` or `Undo` move a step's status; the rest only tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A worker took the run in hand, for the first time or after another worker.
    RunStarted {
        /// The worker.
        worker: String,
        /// Number of steps in the plan.
        steps: usize,
    },
    /// A step's intent is durable; its effects may exist from here on.
    StepStarted {
        /// Attempt, from 1.
        attempt: u32,
    },
    /// A step will be tried again.
    StepRetrying {
        /// What went wrong, without secrets.
        cause: String,
        /// Milliseconds until the next attempt.
        after_ms: u64,
    },
    /// A step is done.
    StepSucceeded {
        /// The work was found already done.
        found: bool,
        /// The step's typed output; never a secret.
        output: serde_json::Value,
    },
    /// A step failed for good.
    StepFailed {
        /// What happened, on what, why.
        cause: String,
        /// What to do next.
        remedy: String,
    },
    /// A step waits for a person or the world; the plan is parked.
    StepHeld {
        /// Why it is held.
        reason: String,
        /// What to do.
        instructions: String,
    },
    /// A step's undo began.
    UndoStarted {
        /// Attempt, from 1.
        attempt: u32,
    },
    /// A step's undo will be tried again.
    UndoRetrying {
        /// What went wrong, without secrets.
        cause: String,
        /// Milliseconds until the next attempt.
        after_ms: u64,
    },
    /// A step's undo is done; missing counts as done.
    UndoSucceeded,
    /// A step's undo failed for good.
    UndoFailed {
        /// What happened.
        cause: String,
        /// What to do next.
        remedy: String,
    },
    /// What is waited for right now, at most 5 s after the event before.
    Heartbeat {
        /// The oldest waits first, at most 16.
        waits: Vec<Wait>,
        /// Waits left out of the list.
        more: usize,
    },
    /// A part of a step began or ended, on a host or elsewhere. Told at least once: one that is told again says the same.
    SubStep(SubStep),
    /// Something worth telling that changes no state.
    Note {
        /// The text.
        message: String,
    },
    /// The worker let go of the run.
    RunEnded {
        /// How.
        outcome: RunOutcome,
    },
}

/// How a worker let go of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunOutcome {
    /// Every step is done.
    Completed,
    /// A person or the world must act.
    Held,
    /// The operator cancelled; `up` again goes on.
    Cancelled,
    /// At least one step failed for good.
    Failed,
}
