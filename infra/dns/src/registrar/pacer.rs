//! Keeps an account inside a registrar's rate limit.

use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until};

/// So many requests in so much time, as the registrar documents it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rate {
    /// Requests that may follow each other at once.
    pub(super) burst: u32,
    /// Time in which one more is earned.
    pub(super) every: Duration,
}

impl Rate {
    /// Nothing is waited for.
    pub(super) const UNLIMITED: Self = Self {
        burst: 1,
        every: Duration::ZERO,
    };

    /// One request more, now: when the budget is full again, and when the request may go.
    fn take(self, full_at: Instant, now: Instant) -> (Instant, Instant) {
        let full = full_at.max(now) + self.every;
        let allowed = full.checked_sub(self.every * self.burst.max(1));
        (full, allowed.unwrap_or(now))
    }
}

/// Lets requests through one after the other, at a rate (the generic cell rate algorithm).
#[derive(Debug)]
pub(super) struct Pacer {
    rate: Rate,
    /// When the budget is full again.
    full_at: Mutex<Instant>,
}

impl Pacer {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Waits until one more request fits.
    pub(super) async fn wait(&self) {
        let now = Instant::now();
        let mut full_at = self.full_at.lock().await;
        // Taken before the wait: a caller who gives up has used its turn, which errs on the safe side.
        let (full, allowed) = self.rate.take(*full_at, now);
        *full_at = full;
        drop(full_at);
        if allowed > now {
            sleep_until(allowed).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_goes_at_once_and_then_one_in_its_time() {
        let rate = Rate {
            burst: 3,
            every: Duration::from_secs(2),
        };
        let began = Instant::now() + Duration::from_mins(1);
        let mut full_at = began;
        let mut now = began;
        for wanted in [0, 0, 0, 2, 4, 6] {
            let (full, allowed) = rate.take(full_at, now);
            (full_at, now) = (full, now.max(allowed));
            assert_eq!((now - began).as_secs(), wanted);
        }
        let later = now + Duration::from_mins(1);
        now = later;
        for wanted in [0, 0, 0, 2] {
            let (full, allowed) = rate.take(full_at, now);
            (full_at, now) = (full, now.max(allowed));
            assert_eq!((now - later).as_secs(), wanted);
        }
    }
}
