//! A new key for the Sovereign's zone: added, waited for, vouched for by the parent, and the old one retired.

mod add;
mod forsake;
mod retire;
mod settle;
mod vouch;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::delegation::{Journey, MustAnswer, ParentView, Patience, Route, Stage, Trouble, keyless};
use sovereign_dns::pool::PoolName;
use sovereign_dns::probe::{Expectation, Prober};
use sovereign_dns::record::Ds;
use sovereign_dns::registrar::{NsSet, Signer};
use sovereign_dns::roll::{apex, keys_are};
use sovereign_dns::transfer::{Supply, check_secondaries};
use sovereign_dns::{DomainName, Published, ZoneMark, check_zone};
use sovereign_engine::step::{StepContext, StepError};

pub use self::add::{AddZoneKey, AddedKey};
pub use self::forsake::ForsakeZoneKey;
pub use self::retire::{RetireZoneKey, RolledKey};
pub use self::settle::SettleZoneKey;
pub use self::vouch::{VouchZoneKey, VouchedKey};

use super::delegation::{Journal, Remembered, registrar_error, signers};
use super::zone::{dns_error, not_yet, secondaries};
use crate::services::Services;

/// Time between two words about a wait.
const TICK: Duration = Duration::from_secs(1);
/// Time between two looks at a parent.
const LOOK_AGAIN: Duration = Duration::from_secs(5);
/// How long each stage may take: somebody may have to act at the parent.
const MAY_TAKE: Duration = Duration::from_hours(30 * 24);
/// A zone that both keys sign has time: a day for registries and for name servers that are away, as long as it may take for people.
const PATIENCE: Patience = Patience {
    shown: 86_400,
    by_hand: MAY_TAKE.as_secs(),
    sick: 86_400,
};

/// The zone whose key is rolled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RolledZone {
    /// Whose it is.
    pub sovereign: SovereignName,
    /// Its name.
    pub zone: DomainName,
    /// Its name servers, as the parent has them: with others there it is somebody else's.
    pub nameservers: NsSet,
    /// The name that it is in a pool of ours; none where the parent is changed by others, or at a registrar.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<PoolName>,
    /// Servers that have it from the first of its servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondaries: Vec<SocketAddr>,
    /// What a parent publishes of the keys that go.
    pub retiring: Vec<Ds>,
}

/// What the world shows of a zone.
struct Seen {
    /// What the parent's servers show.
    parent: ParentView,
    /// A line for each name server that lacks a new key.
    keyless: Vec<String>,
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

    /// What is there now; nothing is remembered from an earlier look.
    async fn look(&self, services: &Services, new: &[Ds]) -> Seen {
        let ours: BTreeSet<DomainName> = self.nameservers.hosts().iter().cloned().collect();
        let expectation = Expectation {
            new: ours.clone(),
            ..Expectation::default()
        };
        let prober = Prober::new(services.probe.clone());
        let report = prober.probe(&self.zone, &expectation).await;
        Seen {
            parent: ParentView::of(&report),
            keyless: keyless(&report, &ours, &new.iter().cloned().collect()),
        }
    }

    /// Brings the parent to a stage of the way from the old keys to the new ones. Answers for how long caches may keep what the
    /// parent said before, in seconds.
    async fn travel(
        &self,
        cx: &StepContext<'_, Services>,
        new: &[Ds],
        goal: Stage,
    ) -> Result<u32, StepError> {
        let old = signers(cx, &self.zone, &self.retiring).await?;
        let new_signers = signers(cx, &self.zone, new).await?;
        let Remembered { before, memory, .. } = Remembered::of(cx, &self.sovereign, &self.zone).await?;
        let log = Journal::of(cx, &self.zone, before);
        let journey = Journey {
            domain: &self.zone,
            host: cx.services.parent.as_deref(),
            probe: &cx.services.probe,
            route: Route::rekey(self.nameservers.clone(), old, new_signers),
            must_answer: MustAnswer::All,
            patience: PATIENCE,
            log: &log,
        };
        let memory = log.kept().unwrap_or(memory);
        let travelled = tokio::select! {
            travelled = journey.travel(goal, memory) => travelled,
            () = cx.cancel.cancelled() => return Err(StepError::Cancelled),
        };
        let travelled = travelled.map_err(|trouble| self.stays_as_it_is(&trouble))?;
        let now = self.look(cx.services, new).await.parent;
        let ttl = travelled.memory.ds_ttl(self.retiring.iter().chain(new));
        Ok(ttl.max(now.ds_ttl))
    }

    fn stays_as_it_is(&self, trouble: &Trouble) -> StepError {
        StepError::Fatal {
            cause: format!(
                "the parent of `{}` could not be brought from the old key to the new one: {trouble}; every answer of the zone goes on validating",
                self.zone
            ),
            remedy: format!(
                "{}; then `sovereign zone roll-key {}` goes on",
                trouble.remedy(),
                self.sovereign
            ),
        }
    }

    /// What whoever can change the parent has on record, if that is no longer the new keys: the parent's servers may be about to follow.
    async fn taken_back(&self, services: &Services, new: &[Ds]) -> Result<Option<String>, StepError> {
        let Some(host) = services.parent.as_ref().filter(|_| self.pool.is_none()) else {
            return Ok(None);
        };
        let record = host.read(&self.zone).await.map_err(registrar_error)?;
        let Some(told) = &record.ds else {
            return Ok(None);
        };
        let has = |ds: &Ds| told.contains(&Signer::digest(ds.clone()));
        let kept = new.iter().all(has);
        Ok((!kept).then(|| format!("{} has {record} on record", host.kind())))
    }

    fn new_ds(&self, published: &Published) -> Vec<Ds> {
        let new = published.ds.iter().filter(|ds| !self.retiring.contains(ds));
        new.cloned().collect()
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
