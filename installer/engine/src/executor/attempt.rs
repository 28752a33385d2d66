//! One attempt at one step, and the attempts in flight.

use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::Value;
use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::executor::waits::WaitBoard;
use crate::journal::Direction;
use crate::plan::StepName;
use crate::registry::ErasedStep;
use crate::step::{Parts, StepContext, StepError};

/// Everything one attempt needs, so that it can run on its own.
pub(super) struct Attempt<S> {
    pub(super) step: Arc<dyn ErasedStep<S>>,
    pub(super) services: Arc<S>,
    pub(super) name: StepName,
    pub(super) direction: Direction,
    pub(super) unsettled: bool,
    pub(super) cancel: CancellationToken,
    pub(super) outputs: BTreeMap<StepName, Arc<Value>>,
    pub(super) parts: Parts,
    pub(super) waits: Arc<WaitBoard>,
}

/// How an attempt ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) result: Result<Done, StepError>,
    /// The world was looked at, so what earlier attempts left open is settled.
    pub(super) looked: bool,
}

/// The work is there (or, towards undo, gone).
#[derive(Debug)]
pub(super) struct Done {
    pub(super) found: bool,
    pub(super) output: Value,
}

impl<S: Send + Sync + 'static> Attempt<S> {
    async fn run(self) -> Ended {
        let cx = StepContext {
            services: &*self.services,
            name: &self.name,
            unsettled: self.unsettled,
            cancel: &self.cancel,
            outputs: &self.outputs,
            parts: &self.parts,
            waits: &*self.waits,
        };
        let mut looked = false;
        let result = match self.direction {
            Direction::Up => self.find_or_apply(&cx, &mut looked).await,
            Direction::Undo => self.step.undo(&cx).await.map(|()| Done {
                found: false,
                output: Value::Null,
            }),
        };
        Ended { result, looked }
    }

    async fn find_or_apply(&self, cx: &StepContext<'_, S>, looked: &mut bool) -> Result<Done, StepError> {
        let found = self.step.find(cx).await?;
        *looked = true;
        if let Some(output) = found {
            return Ok(Done { found: true, output });
        }
        if self.cancel.is_cancelled() {
            return Err(StepError::Cancelled);
        }
        let output = self.step.apply(cx).await?;
        Ok(Done { found: false, output })
    }
}

/// What became of an attempt.
#[derive(Debug)]
pub(super) enum Landing {
    /// It ended by itself.
    Ended(Ended),
    /// It panicked, with this message.
    Panicked(String),
    /// It was dropped.
    Dropped,
}

/// The attempts in flight, each a task that ends with this set.
#[derive(Debug, Default)]
pub(super) struct Flights {
    tasks: JoinSet<Ended>,
    steps: HashMap<Id, usize>,
}

impl Flights {
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    pub(super) fn launch<S: Send + Sync + 'static>(&mut self, step: usize, attempt: Attempt<S>) {
        let handle = self.tasks.spawn(attempt.run());
        self.steps.insert(handle.id(), step);
    }

    /// The next attempt to end; `None` if nothing is in flight. Safe to drop and call again.
    pub(super) async fn next(&mut self) -> Option<(usize, Landing)> {
        let joined = self.tasks.join_next_with_id().await?;
        self.land(joined)
    }

    /// An attempt that has ended already.
    pub(super) fn next_now(&mut self) -> Option<(usize, Landing)> {
        let joined = self.tasks.try_join_next_with_id()?;
        self.land(joined)
    }

    /// Drops every attempt, waits until none runs, and gives those that had ended by themselves.
    pub(super) async fn drop_all(&mut self) -> Vec<(usize, Landing)> {
        self.tasks.abort_all();
        let mut landed = Vec::new();
        while let Some((step, landing)) = self.next().await {
            if !matches!(landing, Landing::Dropped) {
                landed.push((step, landing));
            }
        }
        landed
    }

    fn land(&mut self, joined: Result<(Id, Ended), JoinError>) -> Option<(usize, Landing)> {
        let (id, landing) = match joined {
            Ok((id, ended)) => (id, Landing::Ended(ended)),
            Err(error) => {
                let id = error.id();
                let landing = error
                    .try_into_panic()
                    .map_or(Landing::Dropped, |panic| Landing::Panicked(message_of(&*panic)));
                (id, landing)
            }
        };
        Some((self.steps.remove(&id)?, landing))
    }
}

fn message_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
