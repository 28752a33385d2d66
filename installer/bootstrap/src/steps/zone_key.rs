//! A new key for the Sovereign's zone: added, waited for, vouched for by the parent, and the old one retired.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::probe::{Expectation, Prober};
use sovereign_dns::record::Ds;
use sovereign_dns::roll::{Vouching, add_key, apex, keys_are, longest_ttl, retire_keys, vouching};
use sovereign_dns::transfer::{Supply, check_secondaries};
use sovereign_dns::{DomainName, Published, ZoneMark, check_zone};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::zone::{dns_error, not_yet, secondaries};
use crate::services::Services;

/// Time between two words about a wait.
const TICK: Duration = Duration::from_secs(1);
/// Time between two looks at a parent.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long a parent may take: somebody may have to act there.
const PARENT_MAY_TAKE: Duration = Duration::from_hours(30 * 24);

/// The zone whose key is rolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledZone {
    /// Whose it is.
    pub sovereign: SovereignName,
    /// Its name.
    pub zone: DomainName,
    /// Servers that have it from the first of its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondaries: Vec<SocketAddr>,
    /// What a parent publishes of the keys that go.
    pub retiring: Vec<Ds>,
}

impl RolledZone {
    fn mark(&self) -> ZoneMark {
        ZoneMark::of(&self.sovereign)
    }

    /// Whether every server and every secondary has these keys and no others.
    async fn proven(&self, services: &Services, published: &Published) -> Result<(), StepError> {
        let zones = &services.zones;
        let apex = apex(zones, &self.zone, &self.mark()).await.map_err(dns_error)?;
        let mut findings = check_zone(zones, &apex, published).await.map_err(dns_error)?;
        if let Some(primary) = zones.first() {
            let supply = Supply {
                secondaries: secondaries(services, &self.secondaries)?,
                catalog: None,
            };
            let more = check_secondaries(&**primary, &apex, published, &supply).await;
            findings.extend(more.map_err(dns_error)?);
        }
        match findings.as_slice() {
            [] => Ok(()),
            findings => Err(not_yet(&self.zone, findings)),
        }
    }

    /// The keys as they are to be, if they are so everywhere.
    async fn settled(&self, services: &Services, keeps: bool) -> Result<Option<Published>, StepError> {
        let mark = self.mark();
        let keys = keys_are(&services.zones, &self.zone, &mark, &self.retiring, keeps).await;
        let Some(published) = keys.map_err(dns_error)? else {
            return Ok(None);
        };
        let proven = self.proven(services, &published).await.is_ok();
        Ok(proven.then_some(published))
    }

    /// Has the secondaries fetch the zone at once.
    async fn notify(&self, services: &Services) -> Result<(), StepError> {
        let primary = services.zones.first().filter(|_| !self.secondaries.is_empty());
        if let Some(primary) = primary {
            primary.notify(&self.zone).await.map_err(dns_error)?;
        }
        Ok(())
    }

    /// What the parent says now; nothing is remembered from an earlier look.
    async fn vouching(&self, services: &Services, new: &[Ds]) -> Vouching {
        let prober = Prober::new(services.probe.clone());
        let report = prober.probe(&self.zone, &Expectation::default()).await;
        vouching(&report.evidence.parents, new)
    }

    fn new_ds(&self, published: &Published) -> Vec<Ds> {
        let new = published.ds.iter().filter(|ds| !self.retiring.contains(ds));
        new.cloned().collect()
    }
}

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

/// Waits until every cache has seen the new key. Killed, it begins to wait anew: no cache is ever hurried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettleZoneKey {
    /// The key.
    pub key: StepRef<AddZoneKey>,
}

impl Step for SettleZoneKey {
    const KIND: &'static str = "zone.key.settle";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        PARENT_MAY_TAKE
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let seconds = cx.output(&self.key)?.forgotten_after;
        forget(cx, "caches to learn the new key", seconds).await;
        Ok(())
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// Watches the parent until each of its servers vouches for the new key alone. Who changes it there is not this step's concern: a
/// registrar's API, a parent that reads CDS, or a person.
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
        PARENT_MAY_TAKE
    }

    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<VouchedKey>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<VouchedKey, StepError> {
        let new = cx.output(&self.key)?.ds;
        let texts: Vec<String> = new.iter().map(ToString::to_string).collect();
        let wanted = format!(
            "the parent of `{}` to publish DS {}",
            self.of.zone,
            texts.join(", ")
        );
        loop {
            match self.of.vouching(cx.services, &new).await {
                Vouching::New { ttl } => return Ok(VouchedKey { forgotten_after: ttl }),
                Vouching::Nobody => return Ok(VouchedKey { forgotten_after: 0 }),
                Vouching::NotYet { server, says } => {
                    pause(cx, LOOK_AGAIN, &wanted, &format!("{server}: {says}")).await;
                }
            }
        }
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

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
        PARENT_MAY_TAKE
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
    /// A parent that went back meanwhile needs the old key.
    async fn refuse_unvouched(&self, services: &Services, both: &Published) -> Result<(), StepError> {
        match self.of.vouching(services, &self.of.new_ds(both)).await {
            Vouching::New { .. } | Vouching::Nobody => Ok(()),
            Vouching::NotYet { server, says } => Err(StepError::Retry {
                cause: format!(
                    "the old key of zone `{}` is still needed: {server}: {says}",
                    self.of.zone
                ),
                after: Some(LOOK_AGAIN),
                unsettled: false,
            }),
        }
    }
}

async fn forget(cx: &StepContext<'_, Services>, what: &str, seconds: u32) {
    let end = Instant::now() + Duration::from_secs(seconds.into());
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return;
        }
        pause(
            cx,
            left.min(TICK),
            what,
            &format!("{} s left of {seconds}", left.as_secs() + 1),
        )
        .await;
    }
}

async fn pause(cx: &StepContext<'_, Services>, time: Duration, what: &str, seen: &str) {
    cx.waiting(what, seen);
    tokio::time::sleep(time).await;
}
