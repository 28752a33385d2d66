//! Gives a name back to its pool.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::pool::{PoolName, Withdrawal};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::owner::{self, step_error};
use super::withdraw::still_there;
use crate::services::Services;

/// Gives a name back when nothing of it is in DNS any more. Nobody else gets it before its quarantine is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseName {
    /// Whose it is; a name of somebody else stays theirs.
    pub sovereign: SovereignName,
    /// The name.
    pub name: PoolName,
    /// Which of the name's owners gives it back.
    pub generation: u64,
}

impl Step for ReleaseName {
    const KIND: &'static str = "pool.release";
    type Services = Services;
    type Output = ();

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        release(cx, &self.sovereign, &self.name, Some(self.generation)).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// Gives the name back. A Sovereign that never held one has none.
pub(super) async fn release(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    name: &PoolName,
    generation: Option<u64>,
) -> Result<(), StepError> {
    let Some(deed) = owner::find(cx, sovereign, name).await? else {
        return Ok(());
    };
    let released = deed.release(generation, cx.services.pool.quarantine).await;
    match released.map_err(step_error)? {
        Withdrawal::Gone { .. } => Ok(()),
        Withdrawal::NotYet(findings) => Err(still_there(name, &findings)),
    }
}
