//! Keeps one project inside its rate limit: a mirror of the API's own token bucket, corrected by every answer.
//!
//! `RateLimit-Remaining` says how many requests are left; the bucket refills at `RateLimit-Limit` per hour. `RateLimit-Reset` is
//! the time of a *full* bucket and therefore useless as a time to wait.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

/// Tokens assumed before the first answer.
const UNKNOWN: f64 = 10.0;
/// The API's usual limit per hour.
const USUAL_LIMIT: f64 = 3600.0;

/// Who goes first when tokens are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Urgency {
    /// Work. May use everything but the reserve.
    Work,
    /// Watching. Leaves a few tokens more, so that work is never starved by looking at it.
    Watch,
}

#[derive(Debug)]
struct Bucket {
    tokens: f64,
    limit: f64,
    at: Instant,
    in_flight: u32,
    /// Requests sent so far.
    issued: u64,
    /// An answer has told the bucket.
    known: bool,
}

impl Bucket {
    fn refill(&mut self, now: Instant) {
        let per_second = self.limit / 3600.0;
        let earned = now.saturating_duration_since(self.at).as_secs_f64() * per_second;
        self.tokens = (self.tokens + earned).min(self.limit);
        self.at = now;
    }
}

/// One per project.
#[derive(Debug)]
pub(super) struct Pacer {
    bucket: Mutex<Bucket>,
    reserve: f64,
    /// An answer said how many requests are left.
    learned: Notify,
}

/// The right to send one request. Dropped when its answer is in, or when it is given up.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    pacer: &'a Pacer,
    number: u64,
}

impl Permit<'_> {
    /// Takes what the answer's headers say about the bucket.
    pub(super) fn learn(&self, headers: &HeaderMap) {
        self.pacer.learn(self.number, headers);
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut bucket = self.pacer.lock();
        bucket.in_flight = bucket.in_flight.saturating_sub(1);
    }
}

impl Pacer {
    pub(super) fn new(reserve: u32) -> Self {
        let bucket = Bucket {
            tokens: UNKNOWN + f64::from(reserve),
            limit: USUAL_LIMIT,
            at: Instant::now(),
            in_flight: 0,
            issued: 0,
            known: false,
        };
        Self {
            bucket: Mutex::new(bucket),
            reserve: f64::from(reserve),
            learned: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bucket> {
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until one more request fits.
    pub(super) async fn acquire(&self, urgency: Urgency) -> Permit<'_> {
        loop {
            let learned = self.learned.notified();
            match self.try_acquire(urgency) {
                Ok(permit) => return permit,
                Err(wait) => drop(timeout(wait, learned).await),
            }
        }
    }

    fn try_acquire(&self, urgency: Urgency) -> Result<Permit<'_>, Duration> {
        let mut bucket = self.lock();
        bucket.refill(Instant::now());
        let kept = match urgency {
            Urgency::Work => self.reserve,
            Urgency::Watch => self.reserve + 2.0,
        };
        // The reserve must not stall a project whose limit is smaller than usual.
        let kept = kept.min(bucket.limit / 4.0);
        let missing = kept + 1.0 - bucket.tokens;
        if missing > 0.0 {
            let seconds = missing * 3600.0 / bucket.limit;
            return Err(Duration::from_secs_f64(seconds.clamp(0.05, 5.0)));
        }
        bucket.tokens -= 1.0;
        bucket.in_flight += 1;
        bucket.issued += 1;
        Ok(Permit {
            pacer: self,
            number: bucket.issued,
        })
    }

    /// Takes the bucket from the answer to the `number`-th request. Answers overtake each other: one that was asked before
    /// others may be older than what is known, and then only ever lowers what is thought to be left.
    fn learn(&self, number: u64, headers: &HeaderMap) {
        let value = |name: &str| headers.get(name)?.to_str().ok()?.parse::<f64>().ok();
        let mut bucket = self.lock();
        if let Some(limit) = value("ratelimit-limit").filter(|limit| *limit >= 1.0) {
            bucket.limit = limit;
        }
        let Some(remaining) = value("ratelimit-remaining") else {
            return;
        };
        bucket.refill(Instant::now());
        let others = f64::from(bucket.in_flight.saturating_sub(1));
        let left = (remaining - others).max(0.0);
        let newest = !bucket.known || bucket.issued == number;
        bucket.tokens = if newest { left } else { bucket.tokens.min(left) };
        bucket.known = true;
        drop(bucket);
        self.learned.notify_waiters();
    }

    /// The bucket was empty after all: somebody else drinks from it, too.
    pub(super) fn drained(&self) {
        let mut bucket = self.lock();
        bucket.tokens = 0.0;
        bucket.at = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(limit: u32, remaining: u32) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("ratelimit-limit", limit.into());
        headers.insert("ratelimit-remaining", remaining.into());
        headers
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_tokens_it_needs_and_not_for_a_full_bucket() {
        let pacer = Pacer::new(0);
        pacer.learn(0, &headers(3600, 0));
        let began = Instant::now();
        drop(pacer.acquire(Urgency::Work).await);
        let waited = began.elapsed().as_secs_f64();
        assert!((0.9..=1.3).contains(&waited), "waited {waited} s");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_was_overtaken_never_raises_what_is_left() {
        let pacer = Pacer::new(0);
        pacer.learn(0, &headers(3600, 20));
        let early = pacer.acquire(Urgency::Work).await;
        let late = pacer.acquire(Urgency::Work).await;
        late.learn(&headers(3600, 4));
        drop(late);
        early.learn(&headers(3600, 19));
        assert!(pacer.lock().tokens <= 4.0, "{:?}", pacer.lock());
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_says_more_is_left_ends_the_wait() {
        let pacer = Pacer::new(0);
        pacer.learn(0, &headers(3600, 0));
        let began = Instant::now();
        let waiting = async { drop(pacer.acquire(Urgency::Work).await) };
        let answer = async { pacer.learn(0, &headers(3600, 500)) };
        tokio::join!(waiting, answer);
        assert_eq!(began.elapsed().as_millis(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_the_reserve_and_lets_work_go_before_watching() {
        let pacer = Pacer::new(10);
        pacer.learn(0, &headers(3600, 12));
        assert!(pacer.try_acquire(Urgency::Watch).is_err());
        assert!(pacer.try_acquire(Urgency::Work).is_ok());
        assert!(pacer.try_acquire(Urgency::Work).is_ok());
        assert!(pacer.try_acquire(Urgency::Work).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn requests_under_way_count_against_what_the_api_says_is_left() {
        let pacer = Pacer::new(0);
        let first = pacer.acquire(Urgency::Work).await;
        let _second = pacer.acquire(Urgency::Work).await;
        pacer.learn(0, &headers(3600, 1));
        drop(first);
        assert!(
            pacer.try_acquire(Urgency::Work).is_err(),
            "the second request takes the last token"
        );
    }
}
