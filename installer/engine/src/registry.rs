//! From a step's kind to its code.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use thiserror::Error;

use crate::plan::PlannedStep;
use crate::step::{Step, StepContext, StepError};

/// A step with its types erased.
#[async_trait]
pub(crate) trait ErasedStep<S>: fmt::Debug + Send + Sync {
    fn deadline(&self) -> Duration;
    async fn find(&self, cx: &StepContext<'_, S>) -> Result<Option<Value>, StepError>;
    async fn apply(&self, cx: &StepContext<'_, S>) -> Result<Value, StepError>;
    async fn undo(&self, cx: &StepContext<'_, S>) -> Result<(), StepError>;
}

fn to_value<T: Step>(output: &T::Output) -> Result<Value, StepError> {
    serde_json::to_value(output).map_err(|source| StepError::Fatal {
        cause: format!(
            "the output of a `{}` step cannot be written down: {source}",
            T::KIND
        ),
        remedy: "please report this with the plan".into(),
    })
}

#[async_trait]
impl<T: Step> ErasedStep<T::Services> for T {
    fn deadline(&self) -> Duration {
        Step::deadline(self)
    }

    async fn find(&self, cx: &StepContext<'_, T::Services>) -> Result<Option<Value>, StepError> {
        Step::find(self, cx)
            .await?
            .map(|output| to_value::<T>(&output))
            .transpose()
    }

    async fn apply(&self, cx: &StepContext<'_, T::Services>) -> Result<Value, StepError> {
        to_value::<T>(&Step::apply(self, cx).await?)
    }

    async fn undo(&self, cx: &StepContext<'_, T::Services>) -> Result<(), StepError> {
        Step::undo(self, cx).await
    }
}

/// Why a planned step has no code.
#[derive(Debug, Error)]
pub enum RegistryError {
    /// The kind is not registered.
    #[error("step `{step}` is of kind `{kind}`, which this version does not know")]
    UnknownKind {
        /// The step.
        step: String,
        /// Its kind.
        kind: String,
    },
    /// The parameters do not fit the kind.
    #[error("parameters of step `{step}` do not fit kind `{kind}`")]
    Params {
        /// The step.
        step: String,
        /// Its kind.
        kind: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

type Decode<S> = fn(Value) -> Result<Box<dyn ErasedStep<S>>, serde_json::Error>;

/// The step kinds of a product, over one set of services.
#[derive(Debug)]
pub struct StepRegistry<S> {
    kinds: BTreeMap<&'static str, Decode<S>>,
    #[cfg(feature = "testing")]
    fault: Option<crate::testing::fault::Fault>,
}

impl<S: Send + Sync + 'static> Default for StepRegistry<S> {
    fn default() -> Self {
        Self {
            kinds: BTreeMap::new(),
            #[cfg(feature = "testing")]
            fault: None,
        }
    }
}

impl<S: Send + Sync + 'static> StepRegistry<S> {
    /// Adds a kind of step.
    #[must_use]
    pub fn with<T: Step<Services = S>>(mut self) -> Self {
        fn decode<T: Step>(params: Value) -> Result<Box<dyn ErasedStep<T::Services>>, serde_json::Error> {
            Ok(Box::new(serde_json::from_value::<T>(params)?))
        }
        self.kinds.insert(T::KIND, decode::<T>);
        self
    }

    /// Puts a fault between the executor and every step from now on.
    #[cfg(feature = "testing")]
    pub(crate) fn with_fault(mut self, fault: Option<crate::testing::fault::Fault>) -> Self {
        self.fault = fault;
        self
    }

    pub(crate) fn decode(&self, step: &PlannedStep) -> Result<Box<dyn ErasedStep<S>>, RegistryError> {
        let decode = self
            .kinds
            .get(step.kind.as_str())
            .ok_or_else(|| RegistryError::UnknownKind {
                step: step.name.to_string(),
                kind: step.kind.clone(),
            })?;
        let decoded = decode(step.params.clone()).map_err(|source| RegistryError::Params {
            step: step.name.to_string(),
            kind: step.kind.clone(),
            source,
        })?;
        #[cfg(feature = "testing")]
        if let Some(fault) = &self.fault {
            return Ok(fault.inject(step, decoded));
        }
        Ok(decoded)
    }
}
