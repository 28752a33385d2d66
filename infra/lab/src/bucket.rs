//! The rate limit of a project: a bucket that refills evenly.

use jiff::Timestamp;

#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    limit: f64,
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    pub(crate) fn full(per_hour: u32, now: Timestamp) -> Self {
        let limit = f64::from(per_hour.max(1));
        Self {
            limit,
            tokens: limit,
            at: now,
        }
    }

    fn refill(&mut self, now: Timestamp) {
        let seconds = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + seconds * self.limit / 3600.0).min(self.limit);
        self.at = now;
    }

    /// Takes one request out; false when there is none.
    pub(crate) fn take(&mut self, now: Timestamp) -> bool {
        self.refill(now);
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }

    /// Leaves so many requests.
    pub(crate) fn leave(&mut self, remaining: f64, now: Timestamp) {
        self.tokens = remaining.clamp(0.0, self.limit);
        self.at = now;
    }

    /// `RateLimit-Limit`, `-Remaining` and `-Reset`; the last is the time of a full bucket.
    pub(crate) fn headers(&self) -> [(&'static str, String); 3] {
        let seconds = (self.limit - self.tokens) * 3600.0 / self.limit;
        #[expect(clippy::cast_possible_truncation, reason = "at most an hour")]
        let reset = self.at.as_second() + seconds.ceil() as i64;
        [
            ("RateLimit-Limit", format!("{:.0}", self.limit)),
            ("RateLimit-Remaining", format!("{:.0}", self.tokens.floor())),
            ("RateLimit-Reset", reset.to_string()),
        ]
    }
}
