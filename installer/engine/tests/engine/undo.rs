//! Taking a plan back.

use std::sync::Arc;
use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_engine::journal::Direction;
use sovereign_engine::status::StepStatus;
use sovereign_engine::testing::world::Twist;
use sovereign_engine::testing::{CrashPoint, CrashingJournal};

use crate::bench::{Bench, status};

const CHAIN: [(&str, &[&str]); 3] = [("a", &[]), ("b", &["a"]), ("c", &["b"])];

#[tokio::test(start_paused = true)]
async fn removes_everything_last_first() {
    let bench = Bench::new(&CHAIN);
    bench.up().await;
    let report = bench.undo().await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.things(), [""; 0]);
    assert_eq!(
        bench.story().await[8..],
        [
            "run",
            "undoing c",
            "undone c",
            "undoing b",
            "undone b",
            "undoing a",
            "undone a",
            "ended Completed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn calls_undo_for_what_was_never_applied() {
    let bench = Bench::new(&CHAIN);
    assert_eq!(bench.undo().await.outcome, RunOutcome::Completed);
    assert_eq!(
        bench.world.log(),
        [
            "remove c",
            "removed c",
            "remove b",
            "removed b",
            "remove a",
            "removed a"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn keeps_what_a_thing_that_cannot_go_stands_on() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &[])]);
    bench.up().await;
    bench.world.twist("b", [Twist::Hold]);
    bench.world.twist("c", [Twist::Retry { after: None }]);
    let report = bench.undo().await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert_eq!(bench.world.things(), ["a", "b"]);
    assert_eq!(*status(&report, "a"), StepStatus::Pending);
    assert_eq!(
        report.failures[0].remedy, "sign",
        "a hold towards undo says what to do"
    );

    let log = bench.world.log().len();
    assert_eq!(bench.undo().await.outcome, RunOutcome::Completed);
    assert_eq!(
        bench.world.log()[log..],
        ["remove b", "removed b", "remove a", "removed a"],
        "what is undone is not undone again"
    );
}

#[tokio::test(start_paused = true)]
async fn goes_on_after_a_crash() {
    let (bench, clock) = Bench::with_clock(&CHAIN);
    bench.up().await;
    let journal = Arc::new(CrashingJournal::at(
        bench.journal.clone(),
        2,
        CrashPoint::BeforeWrite,
    ));
    let first = bench
        .work("first", journal, bench.process(), Direction::Undo)
        .await;
    assert!(first.is_err());
    clock.advance(Duration::from_secs(16));
    assert_eq!(bench.undo().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.things(), [""; 0]);
    assert!(bench.story().await.contains(&"undoing c (2)".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn then_up_makes_everything_anew() {
    let bench = Bench::new(&CHAIN);
    bench.up().await;
    bench.undo().await;
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.things(), ["a", "b", "c"]);
    assert_eq!(bench.world.made("a"), 2);
}
