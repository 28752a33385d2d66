//! Work on a Sovereign that is not a run of a plan, while nobody else works on it.

use std::future::Future;

use sovereign_core::name::SovereignName;
use sovereign_engine::journal::{Journal as _, JournalError};
use sovereign_engine::lease::{Claim, Lease, WorkerId};

use crate::errors::CliError;
use crate::signals::Signals;
use crate::turn;
use crate::wiring::{App, worker};

/// Does the work while this process holds the Sovereign's lease; it is dropped where it stands when the lease is lost or the operator
/// cancels.
pub(crate) async fn while_claimed<T>(
    app: &App,
    name: &SovereignName,
    work: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    let signals = Signals::listen()?;
    let worker = worker();
    turn::wait(app, name, &worker, signals.cancel()).await?;
    let lease = claim(app, name, &worker).await?;
    let outcome = tokio::select! {
        biased;
        () = signals.cancel().cancelled() => Err(CliError::Declined),
        error = keep(app, &lease) => Err(error.into()),
        outcome = work => outcome,
    };
    // A Sovereign that was forgotten stays so.
    if outcome.is_ok() && app.store.last_run(name).await?.is_none() {
        app.store.forget(&lease).await?;
    } else {
        app.store.release(&lease).await?;
    }
    outcome
}

/// Claims a Sovereign; an error where somebody else has it.
pub(crate) async fn claim(app: &App, name: &SovereignName, worker: &WorkerId) -> Result<Lease, CliError> {
    match app.store.claim(name, worker, app.lease()).await? {
        Claim::Granted(lease) => Ok(lease),
        Claim::Held { by, until, .. } => Err(CliError::LeaseHeld {
            name: name.clone(),
            by: by.to_string(),
            until,
        }),
    }
}

/// Renews the lease until that fails.
async fn keep(app: &App, lease: &Lease) -> JournalError {
    loop {
        tokio::time::sleep(app.lease() / 3).await;
        if let Err(error) = app.store.renew(lease, app.lease()).await {
            return error;
        }
    }
}
