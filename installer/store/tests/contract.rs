//! `SQLite` keeps the contract of every journal, over handles and across processes.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sovereign_engine::journal::Journal;
use sovereign_engine::testing::{JournalBench, journal_contract};
use sovereign_store::SqliteStore;
use tempfile::TempDir;

struct Bench(TempDir);

#[async_trait]
impl JournalBench for Bench {
    async fn open(&self) -> Arc<dyn Journal> {
        Arc::new(SqliteStore::open(self.0.path()).await.expect("the store opens"))
    }

    async fn pass(&self, time: Duration) {
        let passed = time.as_millis();
        let moved = Command::new("sqlite3")
            .args(["-cmd", ".timeout 5000"])
            .arg(self.0.path().join("journal.db"))
            .arg(format!("UPDATE lease SET until_ms = until_ms - {passed}"))
            .status();
        assert!(moved.expect("sqlite3 runs: install sqlite3").success());
    }

    fn ttl(&self) -> Duration {
        Duration::from_secs(15)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_keeps_the_contract() {
    journal_contract(async || Bench(tempfile::tempdir().expect("a directory"))).await;
}
