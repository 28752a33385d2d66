//! The journal in memory keeps the contract of every journal.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sovereign_engine::clock::ManualClock;
use sovereign_engine::journal::Journal;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::testing::{JournalBench, journal_contract};

struct Bench {
    clock: Arc<ManualClock>,
    journal: Arc<MemoryJournal>,
}

#[async_trait]
impl JournalBench for Bench {
    async fn open(&self) -> Arc<dyn Journal> {
        self.journal.clone()
    }

    async fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }
}

#[tokio::test]
async fn memory_keeps_the_contract() {
    journal_contract(async || {
        let clock = Arc::new(ManualClock::default());
        let journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
        Bench { clock, journal }
    })
    .await;
}
