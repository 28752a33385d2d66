//! The old key, removed once nobody needs it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::Published;
use sovereign_dns::record::Ds;
use sovereign_dns::roll::{Vouching, keys_are, retire_keys, vouching};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::{LOOK_AGAIN, MAY_TAKE, RolledZone, VouchZoneKey, forget};
use crate::services::Services;
use crate::steps::zone::dns_error;

/// Waits until caches have forgotten that the parent vouched for the old key, and removes that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RetireZoneKey {
    /// The zone.
    #[serde(flatten)]
    pub of: RolledZone,
    /// The parent's word.
    pub vouched: StepRef<VouchZoneKey>,
}

/// A zone that is signed by the new key alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledKey {
    /// What a parent publishes.
    pub ds: Vec<Ds>,
}

impl Step for RetireZoneKey {
    const KIND: &'static str = "zone.key.retire";
    type Services = Services;
    type Output = RolledKey;

    fn deadline(&self) -> Duration {
        MAY_TAKE
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<RolledKey>, StepError> {
        let published = self.of.settled(cx.services, false).await?;
        Ok(published.map(|published| RolledKey { ds: published.ds }))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<RolledKey, StepError> {
        let seconds = cx.output(&self.vouched)?.forgotten_after;
        let RolledZone { zone, retiring, .. } = &self.of;
        let mark = self.of.mark();
        let both = keys_are(&cx.services.zones, zone, &mark, retiring, true).await;
        // An attempt that has removed one already has waited before.
        if let Some(both) = both.map_err(dns_error)? {
            forget(cx, "caches to forget the old DS", seconds).await;
            self.refuse_unvouched(cx.services, &both).await?;
        }
        cx.waiting(
            "the name servers",
            &format!("removing the old key of zone `{zone}`"),
        );
        let published = retire_keys(&cx.services.zones, zone, &mark, retiring)
            .await
            .map_err(dns_error)?;
        self.of.notify(cx.services).await?;
        self.of.proven(cx.services, &published).await?;
        Ok(RolledKey { ds: published.ds })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl RetireZoneKey {
    /// A parent that went back meanwhile needs the old key, and so does a name server that does not have the new one.
    async fn refuse_unvouched(&self, services: &Services, both: &Published) -> Result<(), StepError> {
        let new = self.of.new_ds(both);
        let seen = self.of.look(services, &new).await;
        let needed = match vouching(&seen.parent, &new) {
            Vouching::Nobody => return Ok(()),
            Vouching::New { .. } => seen.keyless,
            Vouching::NotYet { seen } => vec![seen],
        };
        let needed = match self.of.taken_back(services, &new).await? {
            Some(record) => vec![record],
            None => needed,
        };
        if needed.is_empty() {
            return Ok(());
        }
        Err(StepError::Retry {
            cause: format!(
                "the old key of zone `{}` is still needed: {}",
                self.of.zone,
                needed.join("; ")
            ),
            after: Some(LOOK_AGAIN),
            unsettled: false,
        })
    }
}
