//! Waits for another installer's claim on a Sovereign to run out, if nobody is behind it any more.
//!
//! A living installer renews its lease every third of its length; one whose end does not move is dead, and ends at that time, or once
//! it was watched for its whole length: a clock that was ahead may have set its end far off.

use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::Journal as _;
use sovereign_engine::lease::{Claim, WorkerId};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::errors::CliError;
use crate::output;
use crate::wiring::App;

/// Time between looks at the lease.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Returns once `worker` holds the lease. An error at once when the holder shows that it lives.
pub(crate) async fn wait(
    app: &App,
    name: &SovereignName,
    worker: &WorkerId,
    cancel: &CancellationToken,
) -> Result<(), CliError> {
    let mut first: Option<(WorkerId, Timestamp)> = None;
    let began = Instant::now();
    loop {
        let (by, until, lasts) = match app.store.claim(name, worker, app.lease()).await? {
            Claim::Granted(_) => return Ok(()),
            Claim::Held { by, until, lasts } => (by, until, lasts),
        };
        match &first {
            None => {
                output::notice(&format!(
                    "`{name}` is claimed by worker `{by}`; its claim ends at {until:.0}, or in {} s, unless it lives; waiting",
                    lasts.as_secs()
                ));
                first = Some((by, until));
            }
            Some(seen) if *seen != (by.clone(), until) => {
                return Err(CliError::LeaseHeld {
                    name: name.clone(),
                    by: by.to_string(),
                    until,
                });
            }
            Some(_) if began.elapsed() > lasts => app.store.end_lease(name, &by, until).await?,
            Some(_) => {}
        }
        tokio::select! {
            () = cancel.cancelled() => return Err(CliError::Declined),
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}
