//! The parent, brought to vouch for the new key.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_dns::delegation::Stage;
use sovereign_dns::pool::PoolName;
use sovereign_dns::record::Ds;
use sovereign_dns::roll::{Vouching, vouching};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::{AddZoneKey, LOOK_AGAIN, MAY_TAKE, RolledZone, pause};
use crate::services::Services;
use crate::steps::pool::vouch_in_pool;

/// Has the parent vouch for the new key: through the registrar's API, or in the pool's zone; where neither can, a person does, or
/// a parent that reads CDS, and the parent is watched. Done when every server of the parent vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VouchZoneKey {
    /// The zone.
    #[serde(flatten)]
    pub of: RolledZone,
    /// The key.
    pub key: StepRef<AddZoneKey>,
}

/// A parent that vouches for the new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct VouchedKey {
    /// How long caches may keep what it said before, in seconds.
    pub forgotten_after: u32,
}

impl Step for VouchZoneKey {
    const KIND: &'static str = "zone.key.vouch";
    type Services = Services;
    type Output = VouchedKey;

    fn deadline(&self) -> Duration {
        MAY_TAKE
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<VouchedKey>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<VouchedKey, StepError> {
        let new = cx.output(&self.key)?.ds;
        let forgotten_after = match &self.of.pool {
            Some(name) => self.through_pool(cx, name, &new).await?,
            None => self.of.travel(cx, &new, Stage::KeysOn).await?,
        };
        Ok(VouchedKey { forgotten_after })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl VouchZoneKey {
    /// Puts the new key into the pool's zone in place of the old one, and sees that all servers of the pool vouch for it.
    async fn through_pool(
        &self,
        cx: &StepContext<'_, Services>,
        name: &PoolName,
        new: &[Ds],
    ) -> Result<u32, StepError> {
        let RolledZone {
            sovereign,
            nameservers,
            ..
        } = &self.of;
        let nameservers = nameservers.hosts().iter().cloned().collect();
        let lingers = vouch_in_pool(cx, sovereign, name, nameservers, new).await?;
        loop {
            let seen = match vouching(&self.of.look(cx.services, new).await.parent, new) {
                Vouching::New { ttl } => return Ok(ttl.max(lingers)),
                Vouching::Nobody => return Ok(lingers),
                Vouching::NotYet { seen } => seen,
            };
            let awaited = format!("every server of zone `{}` to publish the new key (DS)", name.pool);
            pause(cx, LOOK_AGAIN, &awaited, &seen).await;
        }
    }
}
