//! The installer's own copy of every secret of a Sovereign is destroyed.

use serde::{Deserialize, Serialize};
use sovereign_core::agent::{SubStep, SubStepState};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::node_link;
use crate::services::Services;

/// Part of the step that ends when each of the secrets was looked for in vain.
const SECRETS: &str = "installer's secrets";

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
        cx.sub_step(secrets(SubStepState::Begun));
        node_link::forget(cx, &self.sovereign).await?;
        let (all, kept) = node_link::kept(cx, &self.sovereign).await?;
        if !kept.is_empty() {
            return Err(StepError::Fatal {
                cause: format!("the installer still keeps {} after it destroyed them", kept.join(", ")),
                remedy: "see whether another installer works with this state directory, and run `sovereign up` again".into(),
            });
        }
        cx.sub_step(secrets(SubStepState::Done {
            changed: true,
            detail: format!("destroyed: each of the {all} was looked for again, and none is kept"),
        }));
        Ok(())
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

fn secrets(state: SubStepState) -> SubStep {
    SubStep {
        name: SECRETS.to_owned(),
        state,
    }
}
