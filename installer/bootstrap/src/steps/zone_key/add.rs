//! The new key, made and shared among the servers.

use serde::{Deserialize, Serialize};
use sovereign_dns::Published;
use sovereign_dns::record::Ds;
use sovereign_dns::roll::{add_key, longest_ttl};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::RolledZone;
use crate::services::Services;
use crate::steps::zone::dns_error;

/// Adds a key that signs beside those that go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AddZoneKey {
    /// The zone.
    pub of: RolledZone,
}

/// A zone that is signed by old and new keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AddedKey {
    /// What a parent is to publish from now on.
    pub ds: Vec<Ds>,
    /// How long caches may lack the new key and its signatures, in seconds.
    pub forgotten_after: u32,
}

impl Step for AddZoneKey {
    const KIND: &'static str = "zone.key.add";
    type Services = Services;
    type Output = AddedKey;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<AddedKey>, StepError> {
        match self.of.settled(cx.services, true).await? {
            Some(published) => Ok(Some(self.added(cx.services, &published).await?)),
            None => Ok(None),
        }
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<AddedKey, StepError> {
        let RolledZone { zone, retiring, .. } = &self.of;
        cx.waiting("the name servers", &format!("adding a key to zone `{zone}`"));
        let published = add_key(&cx.services.zones, zone, &self.of.mark(), retiring)
            .await
            .map_err(dns_error)?;
        self.of.notify(cx.services).await?;
        self.of.proven(cx.services, &published).await?;
        self.added(cx.services, &published).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        // A zone with both keys validates whatever its parent says by now.
        Ok(())
    }
}

impl AddZoneKey {
    async fn added(&self, services: &Services, published: &Published) -> Result<AddedKey, StepError> {
        let longest = longest_ttl(&services.zones, &self.of.zone, &self.of.mark()).await;
        Ok(AddedKey {
            ds: self.of.new_ds(published),
            forgotten_after: longest.map_err(dns_error)?,
        })
    }
}
