//! What happened to a Sovereign, in one monotonic sequence that every reader can replay from any point.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

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

/// The kinds of [`Event`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A worker took the Sovereign in hand.
    RunStarted {
        /// `up` or `destroy`.
        direction: String,
        /// Number of steps in the plan.
        steps: usize,
    },
    /// A step began; its intent is durable.
    StepStarted {
        /// Attempt, from 1.
        attempt: u32,
    },
    /// A heartbeat of a wait, at most 5 s after the one before.
    StepWaiting {
        /// What is waited for.
        waiting_for: String,
        /// What was seen last.
        last_seen: String,
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
    UndoStarted,
    /// A step's undo is done.
    UndoFinished,
    /// A step's undo failed.
    UndoFailed {
        /// What happened.
        cause: String,
    },
    /// Something worth telling that changes no state.
    Note {
        /// The text.
        message: String,
    },
    /// The run ended.
    RunEnded {
        /// `completed`, `held`, `cancelled`, `failed` or `unwound`.
        outcome: String,
    },
}
