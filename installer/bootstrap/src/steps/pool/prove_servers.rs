//! That the servers which a name is about to be led to answer for it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::{Fitness, Trouble, keyless};
use sovereign_dns::probe::{Expectation, Prober};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use tokio::time::{Instant, sleep};

use crate::services::Services;
use crate::steps::{CreateZone, DelegatedName};

/// Time between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Sees that every name server of the Sovereign's zone answers for it, with its keys, before the pool leads there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProveServers {
    /// The name, and its servers.
    #[serde(flatten)]
    pub name: DelegatedName,
    /// What made the zone; it says which keys the pool is to vouch for.
    pub zone: StepRef<CreateZone>,
}

impl Step for ProveServers {
    const KIND: &'static str = "pool.servers";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        self.name.deadline()
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(self.look(cx).await?.is_proven().then_some(()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let DelegatedName { domain, patience, .. } = &self.name;
        let mut since = None;
        loop {
            let fitness = self.look(cx).await?;
            if fitness.is_proven() {
                return Ok(());
            }
            let lines: Vec<&str> = fitness.lines().collect();
            cx.waiting(
                &format!("the name servers of `{domain}` to answer"),
                &lines.join("; "),
            );
            if fitness.wrong.is_empty() {
                since = None;
            } else if since.get_or_insert_with(Instant::now).elapsed() >= Duration::from_secs(patience.sick) {
                return Err(self.refusal(fitness.wrong));
            }
            tokio::select! {
                () = sleep(LOOK_AGAIN) => {}
                () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
            }
        }
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl ProveServers {
    async fn look(&self, cx: &StepContext<'_, Services>) -> Result<Fitness, StepError> {
        let names = self.name.nameservers.hosts().iter().cloned().collect();
        let keys = cx.output(&self.zone)?.ds.into_iter().collect();
        let expectation = Expectation {
            new: names,
            ..Expectation::default()
        };
        let prober = Prober::new(cx.services.probe.clone());
        let report = prober.probe(&self.name.domain, &expectation).await;
        let mut fitness = Fitness::of(&report, &expectation.new);
        fitness.wrong.extend(keyless(&report, &expectation.new, &keys));
        Ok(fitness)
    }

    fn refusal(&self, wrong: Vec<String>) -> StepError {
        let domain = &self.name.domain;
        let trouble = Trouble::Sick {
            domain: domain.clone(),
            wrong,
        };
        StepError::Fatal {
            cause: format!("the delegation of `{domain}` is not touched: {trouble}"),
            remedy: format!("{}; `dns.nameservers` in the spec names them", trouble.remedy()),
        }
    }
}
