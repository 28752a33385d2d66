//! The contract of a step.
//!
//! # Guarantees of the engine
//! - `StepStarted` is durable before `find` or `apply` is called.
//! - `find` is called before every `apply`.
//! - No step runs before all steps it comes after have succeeded; undo goes the other way.
//!
//! # Demands on a step
//! - `find` only reads, and recognises the work by ownership label and name, not by what an earlier attempt remembered.
//! - `apply` may be called again after a crash at any point; with `find` before it the end state is the same.
//! - `undo` works from parameters and labels alone; what is missing counts as undone.
//! - Parameters and outputs hold no secret.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sovereign_core::agent::{SubStep, SubStepState};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::plan::{StepName, StepRef};

/// A unit of work that can be looked for, done and undone.
pub trait Step: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static {
    /// Part of the journal's format: never rename.
    const KIND: &'static str;
    /// What the step works with.
    type Services: Send + Sync + 'static;
    /// What later steps need to know; never a secret.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Time from the first attempt after which a retry is a failure.
    fn deadline(&self) -> Duration {
        Duration::from_mins(15)
    }

    /// Looks for the finished work.
    fn find(
        &self,
        cx: &StepContext<'_, Self::Services>,
    ) -> impl Future<Output = Result<Option<Self::Output>, StepError>> + Send;

    /// Does the work. The returned future may be dropped at any await point.
    fn apply(
        &self,
        cx: &StepContext<'_, Self::Services>,
    ) -> impl Future<Output = Result<Self::Output, StepError>> + Send;

    /// Removes the work; what is missing counts as removed.
    fn undo(
        &self,
        cx: &StepContext<'_, Self::Services>,
    ) -> impl Future<Output = Result<(), StepError>> + Send;
}

/// The last word on each part of a step, by name.
pub(crate) type Parts = BTreeMap<String, SubStepState>;

/// What a step may see.
#[derive(Debug)]
pub struct StepContext<'a, S> {
    /// What the step works with.
    pub services: &'a S,
    /// The step's own name.
    pub name: &'a StepName,
    /// An earlier attempt may have had an effect that nobody recorded: look at the world itself, not at a listing made before.
    pub unsettled: bool,
    /// Cancelled when the operator or the lease asks to stop.
    pub cancel: &'a CancellationToken,
    pub(crate) outputs: &'a BTreeMap<StepName, Arc<Value>>,
    pub(crate) parts: &'a Parts,
    pub(crate) waits: &'a dyn WaitSink,
}

impl<S> StepContext<'_, S> {
    /// The output of a step this one comes after.
    pub fn output<T: Step>(&self, step: &StepRef<T>) -> Result<T::Output, StepError> {
        let value = self.outputs.get(step.name()).ok_or_else(|| StepError::Fatal {
            cause: format!(
                "step `{}` needs the output of `{}`, which has not run",
                self.name,
                step.name()
            ),
            remedy: "the plan lacks this dependency: please report it with the plan".into(),
        })?;
        <T::Output as serde::Deserialize>::deserialize(&**value).map_err(|source| StepError::Fatal {
            cause: format!(
                "the journal's output of step `{}` cannot be read: {source}",
                step.name()
            ),
            remedy: "the journal was written by another version: use that version or destroy and start over"
                .into(),
        })
    }

    /// Tells that a part of the step began or ended; the journal keeps it.
    pub fn sub_step(&self, part: SubStep) {
        self.waits.sub_step(self.name, part);
    }

    /// How a part of the step stood last, by what earlier attempts in this run told, also those of other processes.
    pub fn told(&self, part: &str) -> Option<&SubStepState> {
        self.parts.get(part)
    }

    /// Waits until every part that the step told is durable. Before that nothing may be forgotten that would let it be told again.
    pub async fn recorded(&self) {
        let (told, mut durable) = self.waits.told();
        // The sender goes with the run, and the run with it.
        let _ = durable.wait_for(|durable| *durable >= told).await;
    }

    /// Tells what is waited for and what was seen last. Cheap; call it as often as there is news.
    pub fn waiting(&self, waiting_for: &str, last_seen: &str) {
        self.waits.waiting(self.name, waiting_for, last_seen);
    }
}

/// Takes note of what steps wait for, for the heartbeat, and of their parts.
pub trait WaitSink: fmt::Debug + Send + Sync {
    /// `step` waits for something.
    fn waiting(&self, step: &StepName, waiting_for: &str, last_seen: &str);

    /// A part of `step` began or ended.
    fn sub_step(&self, step: &StepName, part: SubStep);

    /// How many parts were told so far, and how many of them are durable.
    fn told(&self) -> (u64, watch::Receiver<u64>);
}

/// How a step can end other than well.
#[derive(Debug)]
pub enum StepError {
    /// Try again, after that time or after the engine's own back-off, until the step's deadline.
    Retry {
        /// What happened, on what, why.
        cause: String,
        /// Shortest time to wait.
        after: Option<Duration>,
        /// The effect may have happened all the same: the next `find` must look at the world itself.
        unsettled: bool,
    },
    /// A person or the world must act; no task waits.
    Hold {
        /// Why.
        reason: String,
        /// What to do.
        instructions: String,
    },
    /// Trying again cannot help.
    Fatal {
        /// What happened, on what, why.
        cause: String,
        /// What to do next.
        remedy: String,
    },
    /// The step stopped because it was asked to.
    Cancelled,
}

/// An error with its sources, in one line: `outer: inner: innermost`.
pub fn chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}
