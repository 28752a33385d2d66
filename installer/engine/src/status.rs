//! The one transition table of a step, used live and on replay.

use serde::{Deserialize, Serialize};
use sovereign_core::event::EventKind;
use thiserror::Error;

/// Where a step stands in a run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StepStatus {
    /// Nothing was begun.
    #[default]
    Pending,
    /// Begun; effects may exist.
    Running {
        /// Attempt, from 1.
        attempt: u32,
    },
    /// Done.
    Succeeded,
    /// Failed for good in this run; a resumed run tries again.
    Failed {
        /// What happened.
        cause: String,
        /// What to do next.
        remedy: String,
    },
    /// Parked until a person or the world acts.
    Held {
        /// Why.
        reason: String,
        /// What to do.
        instructions: String,
    },
    /// Undo begun.
    Undoing {
        /// Attempt, from 1.
        attempt: u32,
    },
    /// Undone.
    Undone,
    /// Undo failed for good in this run; a resumed run tries again.
    UndoFailed {
        /// What happened.
        cause: String,
        /// What to do next.
        remedy: String,
    },
}

/// A move the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{event:?} cannot follow {status:?}")]
pub struct IllegalTransition {
    /// Where the step stood.
    pub status: StepStatus,
    /// What was to follow.
    pub event: EventKind,
}

impl StepStatus {
    /// The status after an event.
    pub fn next(&self, event: &EventKind) -> Result<Self, IllegalTransition> {
        use EventKind as E;
        use StepStatus as S;
        let next = match (self, event) {
            (
                S::Pending | S::Running { .. } | S::Failed { .. } | S::Held { .. },
                E::StepStarted { attempt },
            ) => S::Running { attempt: *attempt },
            (S::Running { attempt }, E::StepRetrying { .. }) => S::Running { attempt: *attempt },
            (S::Running { .. }, E::StepSucceeded { .. }) => S::Succeeded,
            (S::Running { .. }, E::StepFailed { cause, remedy }) => S::Failed {
                cause: cause.clone(),
                remedy: remedy.clone(),
            },
            (S::Running { .. }, E::StepHeld { reason, instructions }) => S::Held {
                reason: reason.clone(),
                instructions: instructions.clone(),
            },
            (S::Pending | S::Undoing { .. } | S::UndoFailed { .. }, E::UndoStarted { attempt }) => {
                S::Undoing { attempt: *attempt }
            }
            (S::Undoing { attempt }, E::UndoRetrying { .. }) => S::Undoing { attempt: *attempt },
            (S::Undoing { .. }, E::UndoSucceeded) => S::Undone,
            (S::Undoing { .. }, E::UndoFailed { cause, remedy }) => S::UndoFailed {
                cause: cause.clone(),
                remedy: remedy.clone(),
            },
            (status, E::Note { .. }) => status.clone(),
            (status, event) => {
                return Err(IllegalTransition {
                    status: status.clone(),
                    event: event.clone(),
                });
            }
        };
        Ok(next)
    }

    /// The step was begun and nobody recorded how it ended: its effects may exist.
    pub fn is_unsettled(&self) -> bool {
        matches!(
            self,
            Self::Running { .. } | Self::Undoing { .. } | Self::Failed { .. } | Self::Held { .. }
        )
    }
}
