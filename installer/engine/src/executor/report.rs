//! What became of a run.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sovereign_core::event::RunOutcome;

use crate::journal::RunId;
use crate::plan::{Plan, StepName};
use crate::status::{StatusBoard, StepStatus};

/// What became of a run, by what is durable.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// How the worker let go of it.
    pub outcome: RunOutcome,
    /// Where every step of the plan stands.
    pub statuses: BTreeMap<StepName, StepStatus>,
    /// Outputs of the steps that succeeded, in this or an earlier session of the run.
    pub outputs: BTreeMap<StepName, Value>,
    /// Steps that failed, in the order of the plan.
    pub failures: Vec<StepFailure>,
    /// Steps that are held, in the order of the plan.
    pub holds: Vec<StepHold>,
}

/// A step that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepFailure {
    /// The step.
    pub step: StepName,
    /// Its line for people.
    pub title: String,
    /// What happened, on what, why.
    pub cause: String,
    /// What to do next.
    pub remedy: String,
}

/// A step that waits for a person or the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepHold {
    /// The step.
    pub step: StepName,
    /// Its line for people.
    pub title: String,
    /// Why.
    pub reason: String,
    /// What to do.
    pub instructions: String,
}

impl Report {
    pub(super) fn new(
        run: RunId,
        plan: &Plan,
        outcome: RunOutcome,
        board: StatusBoard,
        outputs: BTreeMap<StepName, Arc<Value>>,
    ) -> Self {
        let mut failures = Vec::new();
        let mut holds = Vec::new();
        for step in &plan.steps {
            match board.status(&step.name).clone() {
                StepStatus::Failed { cause, remedy } | StepStatus::UndoFailed { cause, remedy } => {
                    failures.push(StepFailure {
                        step: step.name.clone(),
                        title: step.title.clone(),
                        cause,
                        remedy,
                    });
                }
                StepStatus::Held { reason, instructions } => holds.push(StepHold {
                    step: step.name.clone(),
                    title: step.title.clone(),
                    reason,
                    instructions,
                }),
                _ => {}
            }
        }
        Self {
            run,
            outcome,
            statuses: board.into_statuses(),
            outputs: outputs
                .into_iter()
                .map(|(step, output)| (step, Arc::unwrap_or_clone(output)))
                .collect(),
            failures,
            holds,
        }
    }
}
