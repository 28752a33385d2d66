//! Removes what the Sovereign's own controllers made while it was being taken down.

use std::time::Duration;

use futures::future::try_join_all;
use serde::{Deserialize, Serialize};
use sovereign_engine::step::{Step, StepContext, StepError};
use tokio::time::sleep;

use super::error::step_error;
use super::owned::remove;
use crate::services::Services;
use crate::teardown::{Holdings, Scope, list_everything};

/// Passes before a Sovereign that makes things faster than they go is given up.
const PASSES: u32 = 5;
/// Time for the cloud's listings to catch up with a pass.
const BETWEEN: Duration = Duration::from_secs(1);

/// Looks again and removes what appeared, until a look finds nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sweep {
    /// What counts as the Sovereign's.
    pub scope: Scope,
}

impl Step for Sweep {
    const KIND: &'static str = "sovereign.sweep";
    type Services = Services;
    /// The scope with what the sweep learned.
    type Output = Scope;

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<Scope>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<Scope, StepError> {
        let mut scope = self.scope.clone();
        for pass in 1..=PASSES {
            cx.waiting(
                "a look that finds nothing",
                &format!("look {pass} of at most {PASSES}"),
            );
            let everything = list_everything(cx.services.cloud()?).await.map_err(step_error)?;
            let left = Holdings::judge(&everything, scope);
            if left.items.is_empty() {
                return Ok(left.scope);
            }
            // One kind after the other: what holds on to other things goes before them.
            for kind in left.items.chunk_by(|a, b| a.resource.kind == b.resource.kind) {
                let gone = kind
                    .iter()
                    .map(|item| remove(cx, item.resource.kind, item.resource.id));
                try_join_all(gone).await?;
            }
            scope = left.scope;
            sleep(BETWEEN).await;
        }
        Err(StepError::Retry {
            cause: format!(
                "something goes on making resources of `{}` in the account",
                self.scope.sovereign
            ),
            after: None,
            unsettled: false,
        })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
