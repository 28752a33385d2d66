//! The Sovereign's hand on a name, as steps get it.

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use sovereign_dns::pool::{Claim, Deed, DeedError, Owner, PoolName, Refusal};
use sovereign_engine::step::{StepContext, StepError, chain};

use crate::nodes::SecretStoreError;
use crate::services::Services;
use crate::steps::zone::dns_error;

/// Name of the sealed claim that a Sovereign proves its names with.
fn claim_name(sovereign: &SovereignName) -> String {
    format!("pool/{sovereign}/claim")
}

/// With the claim that is kept. None if there is none: then the Sovereign never held a name.
pub(super) async fn find<'a>(
    cx: &StepContext<'a, Services>,
    sovereign: &SovereignName,
    name: &'a PoolName,
) -> Result<Option<Deed<'a>>, StepError> {
    let kept = cx.services.nodes.secrets().get(&claim_name(sovereign)).await;
    let claim = kept.map_err(sealed)?.map(Claim::from_secret);
    Ok(claim.map(|claim| with(cx.services, sovereign, name, &claim)))
}

/// With the claim that is kept, or a new one, which is kept before anybody hears of it.
pub(super) async fn open<'a>(
    cx: &StepContext<'a, Services>,
    sovereign: &SovereignName,
    name: &'a PoolName,
) -> Result<Deed<'a>, StepError> {
    if let Some(deed) = find(cx, sovereign, name).await? {
        return Ok(deed);
    }
    let claim = Claim::generate();
    let (secrets, kept_as) = (cx.services.nodes.secrets(), claim_name(sovereign));
    secrets.put(&kept_as, claim.secret()).await.map_err(sealed)?;
    Ok(with(cx.services, sovereign, name, &claim))
}

/// With the claim that is kept, or one that proves nothing: a Sovereign that never held a name has at most marks left in DNS.
pub(super) async fn known<'a>(
    cx: &StepContext<'a, Services>,
    sovereign: &SovereignName,
    name: &'a PoolName,
) -> Result<Deed<'a>, StepError> {
    let found = find(cx, sovereign, name).await?;
    Ok(found.unwrap_or_else(|| with(cx.services, sovereign, name, &Claim::generate())))
}

fn with<'a>(
    services: &'a Services,
    sovereign: &SovereignName,
    name: &'a PoolName,
    claim: &Claim,
) -> Deed<'a> {
    Deed {
        book: &*services.pool.book,
        hosts: &services.zones,
        name,
        by: Owner {
            sovereign: sovereign.clone(),
            claim: claim.digest(),
        },
        clock: &Timestamp::now,
    }
}

/// The error of a deed as a step's.
pub(super) fn step_error(error: DeedError) -> StepError {
    let cause = chain(&error);
    match error {
        DeedError::Dns(error) => dns_error(error),
        // Whoever is at it gets done, or is dead, which shows in time.
        DeedError::Refused(Refusal::Going { .. } | Refusal::Overtaken { .. }) | DeedError::Book(_) => {
            StepError::Retry {
                cause,
                after: None,
                unsettled: true,
            }
        }
        DeedError::Refused(refusal) => StepError::Fatal {
            cause,
            remedy: refusal.remedy(),
        },
        DeedError::NotAName { .. } => StepError::Fatal {
            cause,
            remedy: "choose a shorter label".into(),
        },
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the claim on the name cannot be kept: {error}"),
        remedy: "see whether the state directory can be written and the master key is the right one: `sovereign doctor`".into(),
    }
}
