//! How long to wait before trying again.

use std::time::Duration;

/// Waits that double up to a limit, each shortened at random by up to a half, so that hosts do not call in step.
#[derive(Debug)]
pub(super) struct Backoff {
    first: Duration,
    most: Duration,
    tries: u32,
}

impl Backoff {
    pub(super) fn new(first: Duration, most: Duration) -> Self {
        Self {
            first,
            most,
            tries: 0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.tries = 0;
    }

    pub(super) fn next(&mut self) -> Duration {
        let doubled = self.first.saturating_mul(1 << self.tries.min(16));
        self.tries += 1;
        doubled.min(self.most).mul_f64(rand::random_range(0.5..=1.0))
    }
}
