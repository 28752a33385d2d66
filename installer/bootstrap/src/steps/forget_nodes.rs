//! Forgets the keys of a Sovereign that is gone, and what was noted about its nodes.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::node_link;
use crate::services::Services;

/// Forgets the keys of a Sovereign that is gone, and what was noted about its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetNodes {
    /// The Sovereign.
    pub sovereign: SovereignName,
}

impl Step for ForgetNodes {
    const KIND: &'static str = "node_link.forget";
    type Services = Services;
    type Output = ();

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        node_link::forget(cx, &self.sovereign).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
