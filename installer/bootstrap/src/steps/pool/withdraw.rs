//! Takes a name out of the pool's zone, and waits until no cache gives it any more.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::ZoneFinding;
use sovereign_dns::pool::{PoolName, Withdrawal};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::owner::{self, step_error};
use crate::services::Services;

/// How often a wait is told of.
const TELL: Duration = Duration::from_secs(2);

/// Takes name servers and keys of the name out of the pool's zone, sees on every server that they are gone, and waits until every
/// cache has forgotten them. Only then may the zone go: whoever still has the delegation still gets answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WithdrawName {
    /// Whose the name is; what is somebody else's stays.
    pub sovereign: SovereignName,
    /// The name.
    pub name: PoolName,
    /// Which of the name's owners it is taken from; none if the book does not know the name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub generation: Option<u64>,
}

impl Step for WithdrawName {
    const KIND: &'static str = "pool.withdraw";
    type Services = Services;
    type Output = ();

    /// The longest that caches may be told to remember, and some.
    fn deadline(&self) -> Duration {
        Duration::from_hours(3)
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        withdraw_name(cx, &self.sovereign, &self.name, self.generation).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// Takes the name's delegation away and waits until nobody has it.
pub(super) async fn withdraw_name(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    name: &PoolName,
    generation: Option<u64>,
) -> Result<(), StepError> {
    let deed = owner::known(cx, sovereign, name).await?;
    cx.waiting(
        "the pool's servers",
        &format!("taking `{}` out of zone `{}`", name.label, name.pool),
    );
    match deed.withdraw(generation).await.map_err(step_error)? {
        Withdrawal::Gone { clear_at } => {
            pause(cx, clear_at, "caches to forget the delegation").await;
            Ok(())
        }
        Withdrawal::NotYet(findings) => Err(still_there(name, &findings)),
    }
}

/// Servers that still give what was taken out.
pub(super) fn still_there(name: &PoolName, findings: &[ZoneFinding]) -> StepError {
    let named: Vec<String> = findings.iter().map(ToString::to_string).collect();
    StepError::Retry {
        cause: format!("`{name}` is not out of the pool everywhere: {}", named.join("; ")),
        after: None,
        unsettled: true,
    }
}

/// Waits for a moment, and tells of it.
pub(super) async fn pause(cx: &StepContext<'_, Services>, until: Option<Timestamp>, what: &str) {
    let Some(until) = until else { return };
    loop {
        let left = until.duration_since(Timestamp::now());
        let Ok(left) = Duration::try_from(left) else {
            return;
        };
        if left.is_zero() {
            return;
        }
        cx.waiting(what, &format!("{} s to go", left.as_secs() + 1));
        tokio::time::sleep(left.min(TELL)).await;
    }
}
