//! The delegation given back: the same way in the other direction, before the zone may go.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::{End, Journey, Memory, Route, Snapshot, Stage, Trouble};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::course::{DelegatedName, Journal, origin, words};
use super::inspect::leads_to_us;
use crate::services::Services;

/// Time before a change that somebody else made is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// Gives a domain back to where it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RestoreDelegation {
    /// The name, and the servers that it is taken away from.
    #[serde(flatten)]
    pub name: DelegatedName,
    /// Where it was before.
    pub snapshot: Snapshot,
    /// Wait until every cache has forgotten our servers. Without it, names may fail for those who remember them once the zone is
    /// gone.
    pub drain: bool,
}

impl Step for RestoreDelegation {
    const KIND: &'static str = "delegation.restore";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        self.name.deadline()
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        // Whether it is where it was is seen on the way; a wait that was begun is to be ended.
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let before = origin(cx, &self.name.domain, &self.snapshot)?;
        let ours = End::own(self.name.nameservers.clone(), Vec::new());
        let log = Journal(cx);
        let journey = Journey {
            domain: &self.name.domain,
            host: cx.services.parent.as_deref(),
            probe: &cx.services.probe,
            route: Route::there(before, ours).back(),
            must_answer: false,
            patience: self.name.patience,
            log: &log,
        };
        let memory = log.kept().unwrap_or_default();
        let travelled = tokio::select! {
            travelled = self.travel(&journey, memory) => travelled,
            () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
        };
        match travelled {
            // It leads somewhere else: there is nothing of ours to take back, once nobody is led here any more.
            Err(trouble @ Trouble::Strange { .. }) if leads_to_us(cx, &self.name).await => {
                Err(StepError::Retry {
                    cause: format!("{trouble}; the parent's servers still lead to us"),
                    after: Some(LOOK_AGAIN),
                    unsettled: false,
                })
            }
            Ok(()) | Err(Trouble::Strange { .. }) => Ok(()),
            Err(trouble) => Err(StepError::Fatal {
                cause: format!("`{}` could not be given back: {trouble}", self.name.domain),
                remedy: format!(
                    "{}; run again and it goes on; or set it by hand to {}",
                    trouble.remedy(),
                    words(&journey.route.to)
                ),
            }),
        }
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl RestoreDelegation {
    async fn travel(&self, journey: &Journey<'_>, memory: Memory) -> Result<(), Trouble> {
        let travelled = journey.travel(Stage::KeysOn, memory).await?;
        if self.drain {
            journey.travel(Stage::Forgotten, travelled.memory).await?;
        }
        Ok(())
    }
}
