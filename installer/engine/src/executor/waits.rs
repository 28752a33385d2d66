//! What the steps at work wait for, told by every heartbeat, and the parts of them that began or ended.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sovereign_core::agent::SubStep;
use sovereign_core::event::{EventKind, Wait};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::plan::StepName;
use crate::step::WaitSink;

/// Waits listed in one heartbeat.
const LISTED: usize = 16;

/// The waits of all steps that were begun and have not ended.
#[derive(Debug, Default)]
pub(super) struct WaitBoard {
    board: Mutex<Board>,
    news: Notify,
    durable: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Board {
    waits: BTreeMap<StepName, Waiting>,
    parts: Vec<(StepName, SubStep)>,
    /// Parts told and parts taken, since the run began.
    told: u64,
    taken: u64,
}

#[derive(Debug)]
struct Waiting {
    target: String,
    last_seen: String,
    since: Instant,
}

impl WaitBoard {
    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns once a part was told since the last [`WaitBoard::parts`].
    pub(super) async fn news(&self) {
        self.news.notified().await;
    }

    /// The parts told since the last look, in order.
    pub(super) fn parts(&self) -> Vec<(StepName, SubStep)> {
        let mut board = self.board();
        board.taken = board.told;
        std::mem::take(&mut board.parts)
    }

    /// Every part that was taken is durable now.
    pub(super) fn written(&self) {
        let taken = self.board().taken;
        self.durable
            .send_if_modified(|durable| std::mem::replace(durable, taken) != taken);
    }

    /// An attempt began; until the step says more, that is all there is to tell.
    pub(super) fn attempt(&self, step: &StepName, attempt: u32) {
        let wait = Waiting::new(&format!("attempt {attempt} to end"), "no news yet");
        self.board().waits.insert(step.clone(), wait);
    }

    /// A step rests before its next attempt.
    pub(super) fn resting(&self, step: &StepName, rest: Duration, cause: &str) {
        let wait = Waiting::new(
            &format!("the next attempt, {} ms after the last", rest.as_millis()),
            cause,
        );
        self.board().waits.insert(step.clone(), wait);
    }

    /// A step ended: it waits for nothing and has no more to tell.
    pub(super) fn end(&self, step: &StepName) {
        self.board().waits.remove(step);
    }

    /// The oldest waits, ready to be written down.
    pub(super) fn heartbeat(&self) -> EventKind {
        let board = self.board();
        let mut oldest: Vec<_> = board.waits.iter().collect();
        oldest.sort_by_key(|(_, wait)| wait.since);
        EventKind::Heartbeat {
            more: oldest.len().saturating_sub(LISTED),
            waits: oldest
                .into_iter()
                .take(LISTED)
                .map(|(step, wait)| wait.tell(step))
                .collect(),
        }
    }
}

impl Waiting {
    fn new(waiting_for: &str, last_seen: &str) -> Self {
        Self {
            target: waiting_for.to_owned(),
            last_seen: last_seen.to_owned(),
            since: Instant::now(),
        }
    }

    fn tell(&self, step: &StepName) -> Wait {
        Wait {
            step: step.to_string(),
            waiting_for: self.target.clone(),
            last_seen: self.last_seen.clone(),
            for_ms: whole_millis(self.since.elapsed()),
        }
    }
}

impl WaitSink for WaitBoard {
    fn waiting(&self, step: &StepName, waiting_for: &str, last_seen: &str) {
        let mut board = self.board();
        // A step that was let go may still speak for a moment; it no longer counts.
        let Some(wait) = board.waits.get_mut(step) else {
            return;
        };
        if wait.target == waiting_for {
            last_seen.clone_into(&mut wait.last_seen);
        } else {
            *wait = Waiting::new(waiting_for, last_seen);
        }
    }

    fn sub_step(&self, step: &StepName, part: SubStep) {
        let mut board = self.board();
        if board.waits.contains_key(step) {
            board.parts.push((step.clone(), part));
            board.told += 1;
            self.news.notify_one();
        }
    }

    fn told(&self) -> (u64, watch::Receiver<u64>) {
        (self.board().told, self.durable.subscribe())
    }
}

/// Milliseconds as the journal writes them.
pub(super) fn whole_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(board: &WaitBoard) -> (Vec<Wait>, usize) {
        match board.heartbeat() {
            EventKind::Heartbeat { waits, more } => (waits, more),
            other => panic!("a heartbeat, not {other:?}"),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lists_the_oldest_and_counts_the_rest() {
        let board = WaitBoard::default();
        for index in 0..20 {
            board.attempt(&StepName::new(format!("s{:02}", 19 - index)), 1);
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        let (listed, more) = waits(&board);
        assert_eq!((listed.len(), more), (16, 4));
        assert_eq!((listed[0].step.as_str(), listed[0].for_ms), ("s19", 200));
        assert_eq!(listed[15].step, "s04");
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_ages_until_it_is_for_something_else() {
        let board = WaitBoard::default();
        let step = StepName::new("a");
        board.waiting(&step, "a host", "nothing");
        assert_eq!(
            waits(&board),
            (vec![], 0),
            "a step that was not begun does not count"
        );
        board.attempt(&step, 1);
        for seen in ["off", "booting"] {
            board.waiting(&step, "a host", seen);
            tokio::time::advance(Duration::from_millis(50)).await;
        }
        let (listed, _) = waits(&board);
        assert_eq!((listed[0].last_seen.as_str(), listed[0].for_ms), ("booting", 100));
        board.waiting(&step, "its ports", "closed");
        assert_eq!(waits(&board).0[0].for_ms, 0);
        board.end(&step);
        assert_eq!(waits(&board), (vec![], 0));
    }
}
