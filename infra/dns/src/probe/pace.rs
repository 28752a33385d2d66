//! How fast one server is asked, over all probes of a [`super::Prober`].

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Servers that are remembered before those that were left alone are forgotten.
const REMEMBERED: usize = 4_096;

/// A rate for each server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Questions that may come at once.
    pub burst: u32,
    /// Time between two questions in the long run; zero for no bound.
    pub gap: Duration,
}

impl Default for Pace {
    /// 50 questions a second: less than what any public server takes for an attack.
    fn default() -> Self {
        Self {
            burst: 10,
            gap: Duration::from_millis(20),
        }
    }
}

/// When each server may be asked next (the generic cell rate algorithm).
#[derive(Debug)]
pub(super) struct Pacer {
    pace: Pace,
    due: Mutex<HashMap<IpAddr, Instant>>,
}

impl Pacer {
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            due: Mutex::default(),
        }
    }

    /// Takes the next turn at a server.
    pub(super) fn turn(&self, server: IpAddr, now: Instant) -> Instant {
        let mut due = self.due.lock().unwrap_or_else(PoisonError::into_inner);
        if due.len() >= REMEMBERED {
            due.retain(|_, at| *at > now);
        }
        let at = due.entry(server).or_insert(now);
        *at = (*at).max(now) + self.pace.gap;
        let ahead = self.pace.gap * self.pace.burst.max(1);
        at.checked_sub(ahead).map_or(now, |turn| turn.max(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_free_and_what_follows_is_spread() {
        let pacer = Pacer::new(Pace {
            burst: 3,
            gap: Duration::from_millis(20),
        });
        let now = Instant::now();
        let server = IpAddr::from([192, 0, 2, 1]);
        let waits: Vec<u128> = (0..6)
            .map(|_| (pacer.turn(server, now) - now).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 20, 40, 60]);
        let other = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(pacer.turn(other, now), now, "each server has a pace of its own");
        let later = now + Duration::from_secs(1);
        assert_eq!(pacer.turn(server, later), later, "rest is counted");
    }

    #[test]
    fn memory_is_bounded() {
        let pacer = Pacer::new(Pace::default());
        let mut now = Instant::now();
        for number in 0..20_000_u32 {
            pacer.turn(IpAddr::V4(number.into()), now);
            now += Duration::from_millis(10);
        }
        assert!(pacer.due.lock().unwrap().len() <= REMEMBERED);
    }
}
