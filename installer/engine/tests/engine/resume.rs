//! Going on where another worker stopped.

use std::sync::Arc;
use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_engine::journal::Direction;
use sovereign_engine::plan::StepName;
use sovereign_engine::testing::world::Twist;
use sovereign_engine::testing::{CrashPoint, CrashingJournal};

use crate::bench::Bench;

/// Crashes at an append and lets a second worker finish, in a process whose listing is from before everything.
async fn crash_then_finish(append: usize, point: CrashPoint) -> Bench {
    let (bench, clock) = Bench::with_clock(&[("a", &[]), ("b", &["a"])]);
    let old = bench.process();
    let journal = Arc::new(CrashingJournal::at(bench.journal.clone(), append, point));
    let first = bench.work("first", journal, old.clone(), Direction::Up).await;
    assert!(first.is_err(), "{first:?}");
    clock.advance(Duration::from_secs(16));
    let second = bench
        .work("second", bench.journal.clone(), old, Direction::Up)
        .await;
    let second = second.expect("the run ends by itself");
    assert_eq!(second.outcome, RunOutcome::Completed);
    assert_eq!(second.outputs.len(), 2, "outputs of both sessions");
    assert_eq!(bench.world.things(), ["a", "b"]);
    bench
}

#[tokio::test(start_paused = true)]
async fn an_effect_nobody_recorded_is_looked_for() {
    let bench = crash_then_finish(2, CrashPoint::BeforeWrite).await;
    assert_eq!(
        bench.story().await,
        [
            "run",
            "started a",
            "run",
            "started a (2)",
            "found a",
            "started b",
            "succeeded b",
            "ended Completed"
        ]
    );
    let looks = bench
        .world
        .log()
        .iter()
        .filter(|line| line.starts_with("look"))
        .count();
    assert_eq!(looks, 1, "one extra look for one unsettled step");
}

#[tokio::test(start_paused = true)]
async fn what_succeeded_is_not_tried_again() {
    let bench = crash_then_finish(2, CrashPoint::AfterWrite).await;
    let log = bench.world.log();
    assert_eq!(
        log,
        ["find a", "make a", "made a", "look b", "make b", "made b"],
        "b was begun, so it is looked for; a is done"
    );
}

#[tokio::test(start_paused = true)]
async fn a_run_that_was_done_but_for_its_end_only_ends() {
    let (bench, clock) = Bench::with_clock(&[("a", &[])]);
    let journal = Arc::new(CrashingJournal::at(
        bench.journal.clone(),
        2,
        CrashPoint::AfterWrite,
    ));
    let first = bench.work("first", journal, bench.process(), Direction::Up).await;
    assert!(first.is_err());
    clock.advance(Duration::from_secs(16));
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn what_another_run_left_open_is_looked_at_too() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.world.twist("a", [Twist::Hang]);
    bench.world.twist("b", [Twist::Hang]);
    let old = bench.process();
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(Duration::from_mins(1)));
    assert_eq!(report.outcome, RunOutcome::Cancelled);

    bench.plan = sovereign_engine::testing::world::plan("acme", &[("a", &[]), ("b", &[]), ("c", &[])]);
    bench.cancel = tokio_util::sync::CancellationToken::new();
    let report = bench
        .work("worker", bench.journal.clone(), old, Direction::Up)
        .await;
    let report = report.expect("the run ends by itself");
    assert_eq!(
        (report.run.0, report.outcome),
        (2, RunOutcome::Completed),
        "another plan"
    );
    assert_eq!(report.statuses.len(), 3);
    assert_eq!(bench.world.things(), ["a", "b", "c"], "nothing is there twice");
    assert!(report.outputs.contains_key(&StepName::new("b")));
}
