//! Other keys for a name that is delegated.

use std::collections::BTreeSet;

use sovereign_core::name::SovereignName;
use sovereign_dns::pool::PoolName;
use sovereign_dns::pool::delegation::{check, lingers};
use sovereign_dns::record::Ds;
use sovereign_dns::{DomainName, ZoneMark};
use sovereign_engine::step::{StepContext, StepError};

use super::owner::{self, step_error};
use crate::services::Services;
use crate::steps::zone::{dns_error, not_yet};

/// Has the pool's zone vouch for these keys and no others, in one change on every server, and sees that each gives them. Only for the
/// name's owner, as the book has it at that moment. Answers for how long caches may keep what it said before, in seconds.
pub(in crate::steps) async fn vouch_in_pool(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    name: &PoolName,
    nameservers: BTreeSet<DomainName>,
    ds: &[Ds],
) -> Result<u32, StepError> {
    let deed = owner::known(cx, sovereign, name).await?;
    let own = deed
        .look()
        .await
        .map_err(step_error)?
        .ok_or_else(|| not_ours(sovereign, name))?;
    let keys = ds.iter().cloned().collect();
    let wanted = deed
        .delegation(own.generation, nameservers, keys)
        .map_err(step_error)?;
    let mark = ZoneMark::of(sovereign);
    let lingers = lingers(deed.hosts, &name.pool, &wanted.child, &mark)
        .await
        .map_err(dns_error)?;
    cx.waiting(
        "the pool's servers",
        &format!(
            "putting the new key of `{}` into zone `{}`",
            wanted.child, wanted.pool
        ),
    );
    deed.delegate(&wanted).await.map_err(step_error)?;
    match check(deed.hosts, &wanted).await.map_err(dns_error)?.as_slice() {
        [] => Ok(lingers.delegation),
        findings => Err(not_yet(&wanted.child, findings)),
    }
}

fn not_ours(sovereign: &SovereignName, name: &PoolName) -> StepError {
    StepError::Fatal {
        cause: format!("the book of pool names does not have `{name}` as a name of `{sovereign}`"),
        remedy: format!(
            "see whose it is with `sovereign pool show {name}`; the zone goes on validating with both keys"
        ),
    }
}
