//! Holds on to the lease while a run is at work.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::journal::{Journal, JournalError};
use crate::lease::Lease;
use crate::step::chain;

/// Renews a lease in the background for as long as it is alive, and tells when the lease is lost.
#[derive(Debug)]
pub(super) struct LeaseKeeper {
    lost: CancellationToken,
    _task: AbortOnDropHandle<()>,
}

impl LeaseKeeper {
    /// Begins to renew a lease that was asked for at `asked`.
    pub(super) fn start(journal: Arc<dyn Journal>, lease: Lease, ttl: Duration, asked: Instant) -> Self {
        let lost = CancellationToken::new();
        let tell = lost.clone();
        let task = tokio::spawn(async move {
            keep(&*journal, &lease, ttl, asked).await;
            tell.cancel();
        });
        Self {
            lost,
            _task: AbortOnDropHandle::new(task),
        }
    }

    /// Cancelled once the lease is lost, or has not been renewed for its whole life by this process's monotonic clock.
    pub(super) fn lost(&self) -> &CancellationToken {
        &self.lost
    }
}

/// Returns when the lease is lost. A lease's life counts from the moment it was asked for, so it ends here before it ends in
/// the journal.
async fn keep(journal: &dyn Journal, lease: &Lease, ttl: Duration, asked: Instant) {
    let mut ends = asked + ttl;
    let mut next = asked + ttl / 3;
    loop {
        sleep_until(next.min(ends)).await;
        let asked = Instant::now();
        match timeout_at(ends, journal.renew(lease, ttl)).await {
            Ok(Ok(())) => {
                ends = asked + ttl;
                next = asked + ttl / 3;
            }
            Ok(Err(JournalError::LeaseLost { .. })) => return,
            Ok(Err(error)) if Instant::now() < ends => {
                tracing::warn!(sovereign = %lease.sovereign, error = chain(&error), "the lease was not renewed, trying again");
                next = Instant::now() + ttl / 10;
            }
            Ok(Err(_)) | Err(_) => {
                tracing::error!(sovereign = %lease.sovereign, "the lease could not be renewed in time");
                return;
            }
        }
    }
}
