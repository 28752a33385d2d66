//! How many requests the lab has answered, and how.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One kind of request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatsRow {
    /// HTTP method.
    pub method: String,
    /// Path with numbers as `{id}`.
    pub path: String,
    /// Status answered; 0 where the connection was dropped.
    pub status: u16,
    /// How many.
    pub count: u64,
}

/// All requests since the last reset.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// By kind.
    pub rows: Vec<StatsRow>,
}

impl Stats {
    /// All requests.
    pub fn total(&self) -> u64 {
        self.rows.iter().map(|row| row.count).sum()
    }

    /// Requests with this method and path pattern.
    pub fn count(&self, method: &str, path: &str) -> u64 {
        self.rows
            .iter()
            .filter(|row| row.method == method && row.path == path)
            .map(|row| row.count)
            .sum()
    }

    /// Requests answered with this status.
    pub fn with_status(&self, status: u16) -> u64 {
        self.rows
            .iter()
            .filter(|row| row.status == status)
            .map(|row| row.count)
            .sum()
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(BTreeMap<(String, String, u16), u64>);

impl Counter {
    pub(crate) fn add(&mut self, method: &str, path: &str, status: u16) {
        let number = |segment: &str| !segment.is_empty() && segment.chars().all(|c| c.is_ascii_digit());
        let segments = path
            .split('/')
            .map(|segment| if number(segment) { "{id}" } else { segment });
        let pattern = segments.collect::<Vec<_>>().join("/");
        *self.0.entry((method.to_owned(), pattern, status)).or_default() += 1;
    }

    pub(crate) fn reset(&mut self) {
        self.0.clear();
    }

    pub(crate) fn stats(&self) -> Stats {
        let row = |((method, path, status), count): (&(String, String, u16), &u64)| StatsRow {
            method: method.clone(),
            path: path.clone(),
            status: *status,
            count: *count,
        };
        Stats {
            rows: self.0.iter().map(row).collect(),
        }
    }
}
