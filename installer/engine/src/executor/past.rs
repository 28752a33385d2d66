//! What the journal knows about a Sovereign's steps before a worker begins.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use sovereign_core::event::EventKind;

use crate::executor::ExecutorError;
use crate::journal::{Direction, Journal, Run};
use crate::lease::Lease;
use crate::plan::{Plan, StepName};
use crate::status::{StatusBoard, StepStatus};
use crate::step::Parts;

/// A run just opened, and what earlier workers left behind.
#[derive(Debug)]
pub(super) struct Past {
    /// The run that goes on or begins.
    pub(super) run: Run,
    /// Where its steps stand.
    pub(super) board: StatusBoard,
    /// Outputs of the steps that succeeded in it.
    pub(super) outputs: BTreeMap<StepName, Arc<Value>>,
    /// The last word on each part of each step in it.
    pub(super) parts: BTreeMap<StepName, Parts>,
    /// Attempts at each step that were begun in it.
    pub(super) attempts: BTreeMap<StepName, u32>,
    /// Steps whose last attempt, in whichever run, may have had an effect that nobody recorded.
    pub(super) unsettled: BTreeSet<StepName>,
}

impl Past {
    /// Opens the run and reads everything about it.
    pub(super) async fn open(
        journal: &dyn Journal,
        lease: &Lease,
        plan: &Plan,
        direction: Direction,
    ) -> Result<Self, ExecutorError> {
        let failed = |error| ExecutorError::journal(&lease.sovereign, error);
        let mut earlier = Vec::new();
        for direction in [Direction::Up, Direction::Undo] {
            let run = journal.last_run_towards(&lease.sovereign, direction).await;
            earlier.extend(run.map_err(failed)?);
        }
        let run = journal.open_run(lease, plan, direction).await.map_err(failed)?;
        let board = replay(&run)?;
        let mut past = Self {
            board,
            outputs: BTreeMap::new(),
            parts: BTreeMap::new(),
            attempts: BTreeMap::new(),
            unsettled: unsettled(&mut earlier)?,
            run,
        };
        past.read_events();
        Ok(past)
    }

    fn read_events(&mut self) {
        for event in &mut self.run.events {
            let Some(step) = event.step.as_deref().map(StepName::new) else {
                continue;
            };
            match &mut event.kind {
                EventKind::StepStarted { attempt } | EventKind::UndoStarted { attempt } => {
                    self.attempts.insert(step, *attempt);
                }
                EventKind::StepSucceeded { output, .. } => {
                    self.outputs.insert(step, Arc::new(output.take()));
                }
                EventKind::SubStep(part) => {
                    let parts = self.parts.entry(step).or_default();
                    parts.insert(part.name.clone(), part.state.clone());
                }
                _ => {}
            }
        }
        self.run.events.clear();
    }
}

fn replay(run: &Run) -> Result<StatusBoard, ExecutorError> {
    StatusBoard::replay(&run.plan, &run.events).map_err(|source| ExecutorError::Replay {
        sovereign: run.plan.sovereign.clone(),
        run: run.id,
        source,
    })
}

/// A later run has the last word on every step that it touched.
fn unsettled(runs: &mut [Run]) -> Result<BTreeSet<StepName>, ExecutorError> {
    runs.sort_by_key(|run| run.id);
    let mut unsettled = BTreeSet::new();
    for run in runs {
        for (step, status) in replay(run)?.into_statuses() {
            if status.is_unsettled() {
                unsettled.insert(step);
            } else if status != StepStatus::Pending {
                unsettled.remove(&step);
            }
        }
    }
    Ok(unsettled)
}
