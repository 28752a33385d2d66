//! Proves that nothing of a Sovereign is left in the account.

use serde::{Deserialize, Serialize};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::error::step_error;
use super::sweep::Sweep;
use crate::services::Services;
use crate::teardown::{Holdings, list_everything};

/// Leftovers named in the error; the rest is counted.
const NAMED: usize = 20;

/// Looks once more at every kind of resource. Only an empty look is success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProveEmpty {
    /// The sweep, which learned last what counts as the Sovereign's.
    pub sweep: StepRef<Sweep>,
}

impl Step for ProveEmpty {
    const KIND: &'static str = "sovereign.prove_empty";
    type Services = Services;
    type Output = ();

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        cx.waiting("the proof that nothing is left", "listing every kind of resource");
        let everything = list_everything(cx.services.cloud()?).await.map_err(step_error)?;
        let left = Holdings::judge(&everything, cx.output(&self.sweep)?).items;
        if left.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = left
            .iter()
            .take(NAMED)
            .map(|item| item.resource.to_string())
            .collect();
        let more = match left.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Err(StepError::Fatal {
            cause: format!("still in the account: {}{more}", names.join(", ")),
            remedy: "run `destroy` again; it starts from what is left".into(),
        })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}
