//! How long to wait before the next attempt.

use std::time::Duration;

/// Back-off between attempts of one step: doubling, bounded, spread at random so that many steps do not return at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The wait after the first attempt.
    pub first: Duration,
    /// The longest wait, unless a step asks for more.
    pub longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(30),
        }
    }
}

impl RetryPolicy {
    /// The wait after attempt `attempt` (from 1): up to a quarter shorter than the doubled wait, never shorter than `asked`.
    pub(super) fn wait(&self, attempt: u32, asked: Option<Duration>) -> Duration {
        self.wait_with(attempt, asked, rand::random_range(0.0..=0.25))
    }

    fn wait_with(&self, attempt: u32, asked: Option<Duration>, spread: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let doubled = self.first.saturating_mul(1 << doublings).min(self.longest);
        let spread = doubled.mul_f64(spread);
        let asked = asked.map_or(Duration::ZERO, |asked| asked.saturating_add(spread));
        asked.max(doubled.saturating_sub(spread))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn doubles_up_to_the_longest() {
        let policy = RetryPolicy::default();
        let waits: Vec<u64> = (1..=8)
            .map(|attempt| policy.wait_with(attempt, None, 0.0).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
        assert_eq!(policy.wait_with(u32::MAX, None, 0.0), policy.longest);
    }

    #[test]
    fn what_a_step_asks_for_is_a_lower_bound() {
        let policy = RetryPolicy::default();
        assert_eq!(policy.wait_with(1, Some(90 * SECOND), 0.0), 90 * SECOND);
        assert_eq!(policy.wait_with(6, Some(SECOND), 0.0), 30 * SECOND);
        assert!(policy.wait_with(3, Some(90 * SECOND), 0.25) > 90 * SECOND);
        assert_eq!(policy.wait_with(1, Some(Duration::MAX), 0.25), Duration::MAX);
    }

    #[test]
    fn is_spread_at_random() {
        let policy = RetryPolicy::default();
        let waits: std::collections::BTreeSet<Duration> = (0..64).map(|_| policy.wait(3, None)).collect();
        assert!(waits.len() > 1);
        assert!(waits.iter().all(|wait| (3 * SECOND..=4 * SECOND).contains(wait)));
    }
}
