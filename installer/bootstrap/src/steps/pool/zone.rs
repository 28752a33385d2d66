//! Removes a zone that may be a name's out of a pool.

use sovereign_core::name::SovereignName;
use sovereign_dns::pool::PoolName;
use sovereign_dns::{DomainName, ZoneMark, withdraw};
use sovereign_engine::step::{StepContext, StepError};

use super::owner::{self, step_error};
use crate::services::Services;
use crate::steps::zone::dns_error;

/// Removes the Sovereign's zone from every server. One of a name out of a pool goes only while nobody else takes that away.
pub(crate) async fn remove_zone(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    zone: &DomainName,
) -> Result<(), StepError> {
    let Ok(name) = PoolName::of(zone) else {
        let mark = ZoneMark::of(sovereign);
        return withdraw(&cx.services.zones, zone, &mark).await.map_err(dns_error);
    };
    let deed = owner::known(cx, sovereign, &name).await?;
    deed.remove_zone().await.map_err(step_error)
}
