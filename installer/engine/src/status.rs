//! The one transition table of a step, used live and on replay.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sovereign_core::event::{Event, EventKind};
use thiserror::Error;

use crate::plan::{Plan, PlannedStep, StepName};

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
            (S::Undoing { .. }, E::UndoSucceeded) => S::Undone,
            (S::Undoing { .. }, E::UndoFailed { cause, remedy }) => S::UndoFailed {
                cause: cause.clone(),
                remedy: remedy.clone(),
            },
            (S::Running { .. }, E::StepRetrying { .. })
            | (S::Undoing { .. }, E::UndoRetrying { .. })
            | (S::Running { .. } | S::Undoing { .. }, E::SubStep(_))
            | (_, E::Note { .. }) => self.clone(),
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
            Self::Running { .. }
                | Self::Failed { .. }
                | Self::Held { .. }
                | Self::Undoing { .. }
                | Self::UndoFailed { .. }
        )
    }
}

/// Where every step of a run stands. Journals check entries with it before they write, the executor resumes from it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StatusBoard {
    statuses: BTreeMap<StepName, StepStatus>,
}

impl FromIterator<(StepName, StepStatus)> for StatusBoard {
    fn from_iter<I: IntoIterator<Item = (StepName, StepStatus)>>(statuses: I) -> Self {
        Self {
            statuses: statuses.into_iter().collect(),
        }
    }
}

impl StatusBoard {
    /// The board of a run that has not begun: every step is pending.
    pub fn new(plan: &Plan) -> Self {
        let pending = |step: &PlannedStep| (step.name.clone(), StepStatus::Pending);
        Self {
            statuses: plan.steps.iter().map(pending).collect(),
        }
    }

    /// The board after a run's events, in the order of `seq`.
    pub fn replay(plan: &Plan, events: &[Event]) -> Result<Self, IllegalTransition> {
        let mut board = Self::new(plan);
        for event in events {
            let step = event.step.as_deref().map(StepName::new);
            board.apply(step.as_ref(), &event.kind)?;
        }
        Ok(board)
    }

    /// Moves on by one event. On an error nothing has moved.
    pub fn apply(&mut self, step: Option<&StepName>, kind: &EventKind) -> Result<(), IllegalTransition> {
        let Some(step) = step else {
            return if moves_a_step(kind) {
                Err(IllegalTransition {
                    status: StepStatus::Pending,
                    event: kind.clone(),
                })
            } else {
                Ok(())
            };
        };
        let next = self.status(step).next(kind)?;
        self.statuses.insert(step.clone(), next);
        Ok(())
    }

    /// Where a step stands; a step nobody has heard of is pending.
    pub fn status(&self, step: &StepName) -> &StepStatus {
        self.statuses.get(step).unwrap_or(&StepStatus::Pending)
    }

    /// Every step with its status, by name.
    pub fn statuses(&self) -> &BTreeMap<StepName, StepStatus> {
        &self.statuses
    }

    /// The board as a plain map.
    pub fn into_statuses(self) -> BTreeMap<StepName, StepStatus> {
        self.statuses
    }
}

/// The event is about one step and means nothing without it.
fn moves_a_step(kind: &EventKind) -> bool {
    match kind {
        EventKind::StepStarted { .. }
        | EventKind::StepRetrying { .. }
        | EventKind::StepSucceeded { .. }
        | EventKind::StepFailed { .. }
        | EventKind::StepHeld { .. }
        | EventKind::UndoStarted { .. }
        | EventKind::UndoRetrying { .. }
        | EventKind::UndoSucceeded
        | EventKind::UndoFailed { .. }
        | EventKind::SubStep(_) => true,
        EventKind::RunStarted { .. }
        | EventKind::Heartbeat { .. }
        | EventKind::Note { .. }
        | EventKind::RunEnded { .. } => false,
    }
}
