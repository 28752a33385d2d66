//! Removes one resource by its number.

use serde::{Deserialize, Serialize};
use sovereign_cloud::resource::ResourceKind;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::owned::remove;
use crate::services::Services;

/// Removes one resource. Removing what is gone is success; there is nothing to undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeleteResource {
    /// Its kind.
    pub kind: ResourceKind,
    /// The cloud's number; numbers are never used twice.
    pub id: u64,
}

impl Step for DeleteResource {
    const KIND: &'static str = "resource.delete";
    type Services = Services;
    type Output = ();

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        remove(cx, self.kind, self.id).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
