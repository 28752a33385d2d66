//! The parent, seen not to vouch for the old key any more.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::Stage;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::{MAY_TAKE, RetireZoneKey, RolledZone};
use crate::services::Services;

/// Sees that no server of the parent vouches for the old key any more. Where keys go through an API that was so before the key was
/// retired; a parent that reads CDS, or a person, takes the old one out after that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForsakeZoneKey {
    /// The zone.
    #[serde(flatten)]
    pub of: RolledZone,
    /// The keys that it is left with.
    pub rolled: StepRef<RetireZoneKey>,
}

impl Step for ForsakeZoneKey {
    const KIND: &'static str = "zone.key.forsake";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        MAY_TAKE
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        // What is in the pool's zone was changed in one piece.
        Ok(self.of.pool.as_ref().map(|_| ()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let left = cx.output(&self.rolled)?.ds;
        self.of.travel(cx, &left, Stage::KeysOff).await.map(drop)
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
