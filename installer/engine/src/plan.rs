//! An immutable graph of named steps. Every choice is made before it runs; the executor makes none.

mod canonical;

use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sovereign_core::name::SovereignName;
use thiserror::Error;

use crate::step::Step;

/// Name of a step, unique in its plan, for example `server/acme-cp-1`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StepName(String);

impl StepName {
    /// A name from its text.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StepName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// SHA-256 of a plan's canonical JSON, in lower-case hex. What the operator approved is named by it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PlanDigest(String);

impl PlanDigest {
    /// The digest as 64 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PlanDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedStep {
    /// Unique name.
    pub name: StepName,
    /// The step's kind, see [`Step::KIND`].
    pub kind: String,
    /// One line for people, for example `server acme-cp-1 (cx33 in fsn1)`.
    pub title: String,
    /// The step's parameters; never a secret.
    pub params: Value,
    /// Steps whose outputs or effects this one needs.
    pub after: Vec<StepName>,
}

/// What will run, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The Sovereign it concerns.
    pub sovereign: SovereignName,
    /// Digest of the spec it was made from.
    pub spec_digest: String,
    /// Steps in an order in which every step stands behind those it needs.
    pub steps: Vec<PlannedStep>,
    /// What the operator approves beside the steps (prices, findings, sizes); the engine does not read it.
    pub details: Value,
}

impl Plan {
    /// The digest of the plan's canonical JSON (keys sorted, no spaces).
    pub fn digest(&self) -> PlanDigest {
        let whole = serde_json::json!({
            "sovereign": self.sovereign,
            "specDigest": self.spec_digest,
            "steps": self.steps,
            "details": self.details,
        });
        let hash = Sha256::digest(canonical::canonical(&whole).as_bytes());
        let mut hex = String::with_capacity(2 * hash.len());
        for byte in hash {
            for nibble in [byte >> 4, byte & 0x0f] {
                hex.extend(char::from_digit(u32::from(nibble), 16));
            }
        }
        PlanDigest(hex)
    }

    /// The step of that name.
    pub fn step(&self, name: &StepName) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| &step.name == name)
    }
}

/// A typed handle on a step of the plan under construction. It exists only after its step does, so there are no cycles.
#[derive(Serialize, Deserialize)]
#[serde(transparent, bound = "")]
pub struct StepRef<S> {
    name: StepName,
    #[serde(skip)]
    step: PhantomData<fn() -> S>,
}

impl<S> StepRef<S> {
    /// Name of the step it stands for.
    pub fn name(&self) -> &StepName {
        &self.name
    }
}

impl<S> Clone for StepRef<S> {
    fn clone(&self) -> Self {
        Self {
            name: self.name.clone(),
            step: PhantomData,
        }
    }
}

impl<S> fmt::Debug for StepRef<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StepRef({})", self.name)
    }
}

impl<S> PartialEq for StepRef<S> {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl<S> Eq for StepRef<S> {}

/// Why a plan cannot be built.
#[derive(Debug, Error)]
pub enum PlanError {
    /// Two steps of one name.
    #[error("two steps are named `{0}`")]
    Duplicate(StepName),
    /// A dependency that is not in the plan.
    #[error("step `{step}` comes after `{after}`, which is not in the plan")]
    UnknownDependency {
        /// The step.
        step: StepName,
        /// The name it asks for.
        after: StepName,
    },
    /// Parameters that are not JSON.
    #[error("parameters of step `{step}` cannot be written down")]
    Params {
        /// The step.
        step: StepName,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
}

/// Builds a [`Plan`] step by step.
#[derive(Debug)]
pub struct PlanBuilder {
    plan: Plan,
    names: BTreeSet<StepName>,
}

impl PlanBuilder {
    /// An empty plan for a Sovereign.
    pub fn new(sovereign: SovereignName, spec_digest: impl Into<String>) -> Self {
        let plan = Plan {
            sovereign,
            spec_digest: spec_digest.into(),
            steps: Vec::new(),
            details: Value::Null,
        };
        Self {
            plan,
            names: BTreeSet::new(),
        }
    }

    /// Adds a step behind those in `after`.
    pub fn step<S: Step>(
        &mut self,
        name: StepName,
        title: impl Into<String>,
        step: &S,
        after: &[StepName],
    ) -> Result<StepRef<S>, PlanError> {
        if let Some(missing) = after.iter().find(|dependency| !self.names.contains(*dependency)) {
            return Err(PlanError::UnknownDependency {
                step: name,
                after: missing.clone(),
            });
        }
        if !self.names.insert(name.clone()) {
            return Err(PlanError::Duplicate(name));
        }
        let params = serde_json::to_value(step).map_err(|source| PlanError::Params {
            step: name.clone(),
            source,
        })?;
        self.plan.steps.push(PlannedStep {
            name: name.clone(),
            kind: S::KIND.to_owned(),
            title: title.into(),
            params,
            after: after.to_vec(),
        });
        Ok(StepRef {
            name,
            step: PhantomData,
        })
    }

    /// Names of the steps so far.
    pub fn names(&self) -> Vec<StepName> {
        self.plan.steps.iter().map(|step| step.name.clone()).collect()
    }

    /// Closes the plan with what the operator approves beside the steps.
    pub fn finish(mut self, details: Value) -> Plan {
        self.plan.details = details;
        self.plan
    }
}
