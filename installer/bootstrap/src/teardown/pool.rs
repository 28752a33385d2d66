//! A name out of a pool on its way back: out of the pool's zone first, then the zone, then the book.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::pool::PoolName;
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName};

use crate::steps::{ReleaseName, WithdrawName};

/// A name that a Sovereign gives back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PoolTeardown {
    /// The name.
    pub name: PoolName,
    /// Which of the name's owners the Sovereign is; none if the book does not know it as its own.
    pub generation: Option<u64>,
}

impl PoolTeardown {
    /// The step that the zone waits for.
    pub(super) fn withdraw(
        &self,
        plan: &mut PlanBuilder,
        sovereign: &SovereignName,
    ) -> Result<StepName, PlanError> {
        let step = WithdrawName {
            sovereign: sovereign.clone(),
            name: self.name.clone(),
            generation: self.generation,
        };
        let title = format!("take {} out of {}", self.name, self.name.pool);
        let made = plan.step(self.step_name("withdraw"), title, &step, &[])?;
        Ok(made.name().clone())
    }

    /// The step behind the zone's.
    pub(super) fn release(
        &self,
        plan: &mut PlanBuilder,
        sovereign: &SovereignName,
        after: &[StepName],
    ) -> Result<(), PlanError> {
        let Some(generation) = self.generation else {
            return Ok(());
        };
        let step = ReleaseName {
            sovereign: sovereign.clone(),
            name: self.name.clone(),
            generation,
        };
        let title = format!("give {} back", self.name);
        plan.step(self.step_name("release"), title, &step, after)?;
        Ok(())
    }

    fn step_name(&self, act: &str) -> StepName {
        StepName::new(format!("pool/{act}/{}", self.name))
    }
}
