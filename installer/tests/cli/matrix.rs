//! Many runs that die, some at a time.

use std::sync::Arc;

use tokio::sync::{Mutex, MutexGuard, Semaphore};
use tokio::task::JoinSet;

/// Matrices run one after the other: side by side they would starve each other of the time that a claim lasts.
static ONE: Mutex<()> = Mutex::const_new(());

/// Runs that each die at a point of their own.
pub(crate) struct Matrix {
    _alone: MutexGuard<'static, ()>,
    permits: Arc<Semaphore>,
    runs: JoinSet<bool>,
}

/// How the runs ended.
#[derive(Default)]
pub(crate) struct Tally {
    /// Runs that died at their point.
    pub(crate) died: usize,
    /// Runs that never came to it.
    pub(crate) lived: usize,
    /// What went wrong.
    pub(crate) failed: Vec<String>,
}

impl Matrix {
    /// Waits until no other matrix runs.
    pub(crate) async fn alone(at_once: usize) -> Self {
        Self {
            _alone: ONE.lock().await,
            permits: Arc::new(Semaphore::new(at_once)),
            runs: JoinSet::new(),
        }
    }

    /// Adds a run that tells whether it died.
    pub(crate) fn begin(&mut self, run: impl Future<Output = bool> + Send + 'static) {
        let permits = Arc::clone(&self.permits);
        self.runs.spawn(async move {
            let _permit = permits.acquire_owned().await.expect("the semaphore is open");
            run.await
        });
    }

    /// Waits for all of them.
    pub(crate) async fn end(mut self) -> Tally {
        let mut tally = Tally::default();
        while let Some(ended) = self.runs.join_next().await {
            match ended {
                Ok(true) => tally.died += 1,
                Ok(false) => tally.lived += 1,
                Err(error) => tally.failed.push(error.to_string()),
            }
        }
        tally
    }
}
