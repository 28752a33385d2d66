//! Attempts, back-off, deadlines and the flag that says where to look.

use std::time::Duration;

use sovereign_core::event::{EventKind, RunOutcome};
use sovereign_engine::testing::world::Twist;
use tokio::time::Instant;

use crate::bench::Bench;

#[tokio::test(start_paused = true)]
async fn retries_until_it_works() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::Retry { after: None }; 3]);
    let began = Instant::now();
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    let took = began.elapsed().as_millis();
    assert!(
        (5_250..=7_100).contains(&took),
        "1, 2 and 4 s, at most a quarter shorter: {took} ms"
    );
    assert_eq!(
        bench.story().await,
        [
            "run",
            "started a",
            "retrying a",
            "started a (2)",
            "retrying a",
            "started a (3)",
            "retrying a",
            "started a (4)",
            "succeeded a",
            "ended Completed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn waits_at_least_as_long_as_asked() {
    let bench = Bench::new(&[("a", &[])]);
    let after = Some(Duration::from_secs(20));
    bench.world.twist("a", [Twist::Retry { after }]);
    bench.up().await;
    let waited = bench
        .events()
        .await
        .into_iter()
        .find_map(|event| match event.kind {
            EventKind::StepRetrying { after_ms, .. } => Some(after_ms),
            _ => None,
        });
    assert!(
        waited.is_some_and(|waited| (20_000..=20_250).contains(&waited)),
        "{waited:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_step_past_its_deadline_fails_with_what_it_saw_last() {
    let bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.world.twist("a", [Twist::Retry { after: None }; 100]);
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert_eq!(
        report.failures[0].remedy,
        "remove the cause, then run again: what is done is kept"
    );
    let cause = &report.failures[0].cause;
    assert!(
        cause.starts_with("`a` is busy (attempt ") && cause.ends_with(", 60 s allowed)"),
        "{cause}"
    );
    assert_eq!(bench.world.things(), ["b"]);
    let again = bench.up().await;
    assert_eq!(
        again.outcome,
        RunOutcome::Failed,
        "the deadline is each worker's own"
    );
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_settled_by_looking() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::LostAnswer]);
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.made("a"), 1);
    assert_eq!(bench.world.log(), ["find a", "make a", "made a", "look a"]);
}

#[tokio::test(start_paused = true)]
async fn a_look_that_failed_settles_nothing() {
    let bench = Bench::new(&[("a", &[])]);
    bench
        .world
        .twist("a", [Twist::LostAnswer, Twist::Blind, Twist::Blind]);
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.made("a"), 1);
    assert_eq!(
        bench.world.log(),
        ["find a", "make a", "made a", "look a", "look a", "look a"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_looked_at_is_settled() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::Retry { after: None }]);
    bench.up().await;
    assert_eq!(
        bench.world.log(),
        ["find a", "make a", "find a", "make a", "made a"],
        "an attempt that says it had no effect costs no second look"
    );
}

#[tokio::test(start_paused = true)]
async fn a_resting_step_takes_no_place() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.config.max_parallel = 1;
    let after = Some(Duration::from_secs(30));
    bench.world.twist("a", [Twist::Retry { after }]);
    bench.up().await;
    assert_eq!(bench.world.busiest(), 1);
    assert_eq!(bench.world.log()[2..5], ["find b", "make b", "made b"]);
}
