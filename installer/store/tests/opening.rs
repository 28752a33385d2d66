//! Many programs meet at a store that is not there yet.

#![allow(clippy::unwrap_used, reason = "a test stops at its first surprise")]

use std::sync::{Arc, Barrier};

use sovereign_store::SqliteStore;

#[test]
fn whoever_comes_first_makes_it_and_the_others_wait() {
    for _ in 0..30 {
        let dir = tempfile::tempdir().unwrap();
        let start = Arc::new(Barrier::new(6));
        let programs: Vec<_> = (0..6)
            .map(|_| {
                let (dir, start) = (dir.path().join("state"), Arc::clone(&start));
                std::thread::spawn(move || {
                    let runtime = tokio::runtime::Runtime::new().unwrap();
                    start.wait();
                    runtime.block_on(SqliteStore::open(&dir)).map(drop)
                })
            })
            .collect();
        for program in programs {
            program.join().unwrap().unwrap();
        }
    }
}
