//! Faults put between the executor and the steps of any family.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;

use crate::plan::{PlannedStep, StepName};
use crate::registry::ErasedStep;
use crate::step::{StepContext, StepError};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// That step fails instead of being applied.
    FailBeforeApply(StepName),
    /// That step is applied, and fails all the same.
    FailAfterApply(StepName),
    /// Every step is tried again after it was applied.
    ApplyTwice,
    /// Every step is undone twice.
    UndoTwice,
}

impl Fault {
    pub(crate) fn inject<S: Send + Sync + 'static>(
        &self,
        planned: &PlannedStep,
        step: Box<dyn ErasedStep<S>>,
    ) -> Box<dyn ErasedStep<S>> {
        match self {
            Self::FailBeforeApply(name) | Self::FailAfterApply(name) if *name != planned.name => step,
            fault => Box::new(FaultyStep {
                step,
                fault: fault.clone(),
            }),
        }
    }
}

struct FaultyStep<S> {
    step: Box<dyn ErasedStep<S>>,
    fault: Fault,
}

impl<S> fmt::Debug for FaultyStep<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} with {:?}", self.step, self.fault)
    }
}

fn injected() -> StepError {
    StepError::Fatal {
        cause: "a fault was injected".into(),
        remedy: "none, this is a test".into(),
    }
}

#[async_trait]
impl<S: Send + Sync + 'static> ErasedStep<S> for FaultyStep<S> {
    fn deadline(&self) -> Duration {
        self.step.deadline()
    }

    async fn find(&self, cx: &StepContext<'_, S>) -> Result<Option<Value>, StepError> {
        match self.fault {
            // Even a step that was there already must fail, or the check checks nothing.
            Fault::FailBeforeApply(_) | Fault::FailAfterApply(_) => {
                self.step.find(cx).await?;
                Ok(None)
            }
            Fault::ApplyTwice | Fault::UndoTwice => self.step.find(cx).await,
        }
    }

    async fn apply(&self, cx: &StepContext<'_, S>) -> Result<Value, StepError> {
        if matches!(self.fault, Fault::FailBeforeApply(_)) {
            return Err(injected());
        }
        let output = self.step.apply(cx).await?;
        match self.fault {
            Fault::FailAfterApply(_) => Err(injected()),
            Fault::ApplyTwice => {
                let again = StepContext {
                    unsettled: true,
                    ..*cx
                };
                match self.step.find(&again).await? {
                    Some(found) => Ok(found),
                    None => self.step.apply(&again).await,
                }
            }
            Fault::FailBeforeApply(_) | Fault::UndoTwice => Ok(output),
        }
    }

    async fn undo(&self, cx: &StepContext<'_, S>) -> Result<(), StepError> {
        self.step.undo(cx).await?;
        if self.fault == Fault::UndoTwice {
            self.step.undo(cx).await?;
        }
        Ok(())
    }
}
