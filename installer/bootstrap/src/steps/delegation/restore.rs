//! The delegation given back: the same way in the other direction, before the zone may go.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::{End, Journey, Memory, MustAnswer, Route, Snapshot, Stage, Trouble};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::course::{DelegatedName, origin, words};
use super::inspect::leads_to_us;
use super::remembered::{Journal, Remembered};
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
        let log = Journal::of(cx, &self.name.domain, Some(self.snapshot.clone()));
        let journey = Journey {
            domain: &self.name.domain,
            host: cx.services.parent.as_deref(),
            probe: &cx.services.probe,
            route: Route::there(before, ours).back(),
            must_answer: MustAnswer::None,
            patience: self.name.patience,
            log: &log,
        };
        let memory = match log.kept() {
            Some(memory) => memory,
            None => {
                Remembered::of(cx, &self.name.sovereign, &self.name.domain)
                    .await?
                    .memory
            }
        };
        let travelled = tokio::select! {
            travelled = self.travel(&journey, memory) => travelled,
            () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
        };
        match travelled {
            Ok(memory) => {
                log.over(&memory).await;
                Ok(())
            }
            Err(trouble @ Trouble::Strange { .. }) => self.leave(cx, &journey, &log, &trouble).await,
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
    async fn travel(&self, journey: &Journey<'_>, memory: Memory) -> Result<Memory, Trouble> {
        let travelled = journey.travel(Stage::KeysOn, memory).await?;
        if !self.drain {
            return Ok(travelled.memory);
        }
        let drained = journey.travel(Stage::Forgotten, travelled.memory).await?;
        Ok(drained.memory)
    }

    /// It leads somewhere else: there is nothing of ours to take back, once nobody is led here any more.
    async fn leave(
        &self,
        cx: &StepContext<'_, Services>,
        journey: &Journey<'_>,
        log: &Journal<'_>,
        trouble: &Trouble,
    ) -> Result<(), StepError> {
        let look_again = |cause: String| StepError::Retry {
            cause,
            after: Some(LOOK_AGAIN),
            unsettled: false,
        };
        if leads_to_us(cx, &self.name).await {
            return Err(look_again(format!(
                "{trouble}; the parent's servers still lead to us"
            )));
        }
        let mut memory = log.kept().unwrap_or_default();
        if self.drain {
            let forgotten = tokio::select! {
                forgotten = journey.forget(memory) => forgotten,
                () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
            };
            memory = forgotten.map_err(|later| look_again(format!("{trouble}; {later}")))?;
        }
        log.over(&memory).await;
        Ok(())
    }
}
