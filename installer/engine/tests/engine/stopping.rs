//! Cancelling a run.

use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_engine::status::StepStatus;
use sovereign_engine::testing::world::Twist;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, status};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_run_cancelled_before_it_began_does_nothing() {
    let bench = Bench::new(&[("a", &[])]);
    bench.cancel.cancel();
    assert_eq!(bench.up().await.outcome, RunOutcome::Cancelled);
    assert_eq!(bench.world.log(), [""; 0]);
    assert_eq!(bench.story().await, ["run", "ended Cancelled"]);
}

#[tokio::test(start_paused = true)]
async fn steps_that_end_within_the_grace_are_recorded() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &[]), ("d", &[])]);
    bench.world.twist("a", [Twist::FinishOnCancel]);
    bench.world.twist("c", [Twist::Slow(SECOND * 11)]);
    bench.world.twist("d", [Twist::StopOnCancel]);
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(SECOND * 10));
    assert_eq!(report.outcome, RunOutcome::Cancelled);
    assert_eq!(*status(&report, "a"), StepStatus::Succeeded);
    assert_eq!(
        *status(&report, "b"),
        StepStatus::Pending,
        "no step begins after the cancel"
    );
    assert_eq!(*status(&report, "c"), StepStatus::Succeeded);
    assert_eq!(*status(&report, "d"), StepStatus::Running { attempt: 1 });

    bench.cancel = CancellationToken::new();
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.things(), ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn steps_that_outlive_the_grace_are_dropped_and_looked_for() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.world.twist("a", [Twist::Hang]);
    let began = Instant::now();
    let process = bench.process();
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(SECOND * 10));
    assert_eq!(report.outcome, RunOutcome::Cancelled);
    assert_eq!(began.elapsed().as_secs(), 12, "2 s of grace");
    assert_eq!(*status(&report, "a"), StepStatus::Running { attempt: 1 });
    assert_eq!(
        bench.story().await.last().map(String::as_str),
        Some("ended Cancelled")
    );

    bench.cancel = CancellationToken::new();
    let direction = sovereign_engine::journal::Direction::Up;
    let report = bench
        .work("worker", bench.journal.clone(), process, direction)
        .await;
    assert_eq!(
        report.map(|report| report.outcome).ok(),
        Some(RunOutcome::Completed)
    );
    assert_eq!(bench.world.made("a"), 1, "even with a listing of before");
    assert!(bench.world.log().contains(&"look a".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_resting_step_does_not_delay_the_end() {
    let bench = Bench::new(&[("a", &[])]);
    let after = Some(SECOND * 30);
    bench.world.twist("a", [Twist::Retry { after }]);
    let began = Instant::now();
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(SECOND * 10));
    assert_eq!(report.outcome, RunOutcome::Cancelled);
    assert_eq!(began.elapsed().as_secs(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_cancel_too_late_changes_nothing() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::FinishOnCancel]);
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(SECOND));
    assert_eq!(
        report.outcome,
        RunOutcome::Completed,
        "everything was done within the grace"
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_that_was_still_looking_is_not_applied_any_more() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::LookOnCancel]);
    let (report, ()) = tokio::join!(bench.up(), bench.cancel_after(SECOND));
    assert_eq!(report.outcome, RunOutcome::Cancelled);
    assert_eq!(bench.world.log(), ["find a"]);
}
