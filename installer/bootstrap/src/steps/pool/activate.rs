//! Notes that a name leads to the Sovereign.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::pool::{PoolName, State};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::hold::HoldName;
use super::owner::{self, step_error};
use crate::services::Services;

/// Notes that the name is delegated. What undoes it is giving the name back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActivateName {
    /// Whose the name is.
    pub sovereign: SovereignName,
    /// The name.
    pub name: PoolName,
    /// What made the name the Sovereign's.
    pub hold: StepRef<HoldName>,
}

impl Step for ActivateName {
    const KIND: &'static str = "pool.activate";
    type Services = Services;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        let generation = cx.output(&self.hold)?.generation;
        let Some(deed) = owner::find(cx, &self.sovereign, &self.name).await? else {
            return Ok(None);
        };
        let found = deed.look().await.map_err(step_error)?;
        let active = found.filter(|found| found.generation == generation && found.state == State::Active);
        Ok(active.map(drop))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let generation = cx.output(&self.hold)?.generation;
        let deed = owner::known(cx, &self.sovereign, &self.name).await?;
        deed.activate(generation).await.map(drop).map_err(step_error)
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
