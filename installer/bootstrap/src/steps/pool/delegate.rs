//! Puts name servers and keys of the Sovereign's zone into the pool's.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_dns::DomainName;
use sovereign_dns::pool::delegation::{check, look};
use sovereign_dns::pool::{ChildDelegation, Deed, PoolName};
use sovereign_dns::record::Ds;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::hold::HoldName;
use super::owner::{self, step_error};
use super::withdraw::{pause, withdraw_name};
use crate::services::Services;
use crate::steps::zone::{CreateZone, dns_error, not_yet};

/// Puts name servers and keys of the Sovereign's zone into the pool's zone, in one change on every server, and sees that each of
/// them gives the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegateName {
    /// Whose the name is.
    pub sovereign: SovereignName,
    /// The name.
    pub name: PoolName,
    /// Name servers of the Sovereign's zone.
    pub nameservers: Vec<DomainName>,
    /// What made the name the Sovereign's.
    pub hold: StepRef<HoldName>,
    /// What made the zone; it says which keys the pool is to vouch for.
    pub zone: StepRef<CreateZone>,
}

/// A name that leads to the Sovereign's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegatedChild {
    /// The keys that the pool vouches for.
    pub ds: Vec<Ds>,
}

impl Step for DelegateName {
    const KIND: &'static str = "pool.delegate";
    type Services = Services;
    type Output = DelegatedChild;

    /// Caches that remember an earlier zone are waited for: an hour, a day where somebody put longer-lived records into it.
    fn deadline(&self) -> Duration {
        Duration::from_hours(25)
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<DelegatedChild>, StepError> {
        let deed = owner::known(cx, &self.sovereign, &self.name).await?;
        let wanted = self.wanted(cx, &deed)?;
        if !look(deed.hosts, &wanted).await.map_err(dns_error)? {
            return Ok(None);
        }
        let findings = check(deed.hosts, &wanted).await.map_err(dns_error)?;
        Ok(findings.is_empty().then(|| delegated(&wanted)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<DelegatedChild, StepError> {
        let deed = owner::known(cx, &self.sovereign, &self.name).await?;
        let wanted = self.wanted(cx, &deed)?;
        let bound = deed.bound(wanted.generation).await.map_err(step_error)?;
        pause(
            cx,
            bound.clear_at,
            "caches to forget the keys of the name's earlier zone",
        )
        .await;
        cx.waiting(
            "the pool's servers",
            &format!("delegating `{}` in zone `{}`", wanted.child, wanted.pool),
        );
        deed.delegate(&wanted).await.map_err(step_error)?;
        match check(deed.hosts, &wanted).await.map_err(dns_error)?.as_slice() {
            [] => Ok(delegated(&wanted)),
            findings => Err(not_yet(&wanted.child, findings)),
        }
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        withdraw_name(cx, &self.sovereign, &self.name, None).await
    }
}

impl DelegateName {
    fn wanted(&self, cx: &StepContext<'_, Services>, deed: &Deed<'_>) -> Result<ChildDelegation, StepError> {
        let generation = cx.output(&self.hold)?.generation;
        let ds = cx.output(&self.zone)?.ds.into_iter().collect();
        let nameservers = self.nameservers.iter().cloned().collect();
        deed.delegation(generation, nameservers, ds).map_err(step_error)
    }
}

fn delegated(wanted: &ChildDelegation) -> DelegatedChild {
    DelegatedChild {
        ds: wanted.ds.iter().cloned().collect(),
    }
}
