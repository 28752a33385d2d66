//! The installer's own copy of every secret of a Sovereign is destroyed.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::node_link;
use crate::services::Services;

/// Destroys the installer's copy of every secret of a Sovereign that goes on by itself, and what was noted about its nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetGo {
    /// The Sovereign.
    pub sovereign: SovereignName,
}

impl Step for LetGo {
    const KIND: &'static str = "sovereign.let_go";
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
