//! Time for caches to learn the new key.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::{AddZoneKey, MAY_TAKE, forget};
use crate::services::Services;

/// Waits until every cache has seen the new key. Killed, it begins to wait anew: no cache is ever hurried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleZoneKey {
    /// The key.
    pub key: StepRef<AddZoneKey>,
}

impl Step for SettleZoneKey {
    const KIND: &'static str = "zone.key.settle";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        MAY_TAKE
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let seconds = cx.output(&self.key)?.forgotten_after;
        forget(cx, "caches to learn the new key", seconds).await;
        Ok(())
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
