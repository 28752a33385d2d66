//! Makes a name the Sovereign's before anything of it is in DNS.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::pool::{PoolName, State};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::owner::{self, step_error};
use super::release::release;
use crate::services::Services;

/// Makes a name the Sovereign's: held first, then bound to its run. From then on it stays the Sovereign's, however long the run
/// takes, until it is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HoldName {
    /// Whose it becomes.
    pub sovereign: SovereignName,
    /// The name.
    pub name: PoolName,
}

/// A name that is the Sovereign's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldName {
    /// Which of the name's owners the Sovereign is, counted from 1.
    pub generation: u64,
}

impl Step for HoldName {
    const KIND: &'static str = "pool.hold";
    type Services = Services;
    type Output = HeldName;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<HeldName>, StepError> {
        let Some(deed) = owner::find(cx, &self.sovereign, &self.name).await? else {
            return Ok(None);
        };
        let bound = deed.look().await.map_err(step_error)?;
        let bound = bound.filter(|found| matches!(found.state, State::Provisioning | State::Active));
        Ok(bound.map(|found| HeldName {
            generation: found.generation,
        }))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<HeldName, StepError> {
        let deed = owner::open(cx, &self.sovereign, &self.name).await?;
        let bound = deed.hold().await.map_err(step_error)?;
        Ok(HeldName {
            generation: bound.generation,
        })
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        release(cx, &self.sovereign, &self.name, None).await
    }

    fn deadline(&self) -> Duration {
        Duration::from_mins(5)
    }
}
