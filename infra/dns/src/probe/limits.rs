//! What a probe may cost, whatever the answers are.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::failure::Failure;

/// Most servers of one zone that are asked: names, and addresses of each.
pub(super) const MAX_NAMES: usize = 32;
/// Most addresses of one name server.
pub(super) const MAX_ADDRESSES: usize = 16;

/// Bounds of one probe. An answer can neither move them nor make a loop longer than they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most questions.
    pub questions: u32,
    /// Most time.
    pub time: Duration,
    /// How many name servers' names may be looked for because another one was looked for.
    pub depth: usize,
    /// Questions under way at a time.
    pub at_once: usize,
    /// How long a datagram is waited for; it is sent twice.
    pub datagram: Duration,
    /// How long an answer over TCP may take.
    pub stream: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            questions: 600,
            time: Duration::from_mins(1),
            depth: 5,
            at_once: 16,
            datagram: Duration::from_millis(1_500),
            stream: Duration::from_secs(4),
        }
    }
}

/// What is left of the bounds of a probe under way.
#[derive(Debug)]
pub(super) struct Budget {
    began: Instant,
    deadline: Instant,
    most: u32,
    asked: AtomicU32,
}

impl Budget {
    pub(super) fn new(limits: &Limits) -> Self {
        let began = Instant::now();
        Self {
            began,
            deadline: began + limits.time,
            most: limits.questions,
            asked: AtomicU32::new(0),
        }
    }

    /// Takes one question off.
    pub(super) fn spend(&self) -> Result<(), Failure> {
        self.left()?;
        let taken = self
            .asked
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |asked| {
                (asked < self.most).then_some(asked + 1)
            });
        taken.map(|_| ()).map_err(|_| self.all_asked())
    }

    /// Fails where nothing more may be asked.
    pub(super) fn left(&self) -> Result<(), Failure> {
        if Instant::now() >= self.deadline {
            return Err(Failure::out_of_time());
        }
        if self.asked() >= self.most {
            return Err(self.all_asked());
        }
        Ok(())
    }

    fn all_asked(&self) -> Failure {
        Failure::Spent {
            why: format!("{} questions were asked", self.most),
        }
    }

    /// Whether nothing more may be asked.
    pub(super) fn is_spent(&self) -> bool {
        self.left().is_err()
    }

    /// Questions so far.
    pub(super) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    pub(super) fn deadline(&self) -> Instant {
        self.deadline
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_questions_than_allowed() {
        let budget = Budget::new(&Limits {
            questions: 3,
            ..Limits::default()
        });
        let granted = (0..10).filter(|_| budget.spend().is_ok()).count();
        assert_eq!((granted, budget.asked()), (3, 3));
    }

    #[tokio::test]
    async fn nothing_is_asked_once_time_is_up() {
        let budget = Budget::new(&Limits {
            time: Duration::ZERO,
            ..Limits::default()
        });
        assert!(matches!(budget.spend(), Err(Failure::Spent { .. })));
        assert_eq!(budget.asked(), 0);
    }
}
