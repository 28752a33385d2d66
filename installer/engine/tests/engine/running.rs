//! A run that nobody disturbs, and steps that fail in it.

use std::time::Duration;

use serde_json::json;
use sovereign_core::event::{EventKind, RunOutcome};
use sovereign_engine::executor::{ExecutorConfig, ExecutorError};
use sovereign_engine::journal::Direction;
use sovereign_engine::plan::StepName;
use sovereign_engine::status::StepStatus;
use sovereign_engine::testing::world::Twist;

use crate::bench::{Bench, status};

#[tokio::test(start_paused = true)]
async fn makes_everything_in_order_and_writes_it_down() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert_eq!(report.outputs[&StepName::new("b")], json!({ "id": "b#1" }));
    assert_eq!(bench.world.things(), ["a", "b", "c"]);
    assert_eq!(
        bench.story().await,
        [
            "run",
            "started a",
            "succeeded a",
            "started b",
            "succeeded b",
            "started c",
            "succeeded c",
            "ended Completed"
        ]
    );
    assert_eq!(
        bench.world.log(),
        [
            "find a", "make a", "made a", "find b", "make b", "made b", "find c", "make c", "made c"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_known_together_is_one_append() {
    use sovereign_engine::testing::CrashingJournal;
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &["b"])]);
    let counting = std::sync::Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    bench.journal = counting.clone();
    bench.up().await;
    assert_eq!(
        counting.appends(),
        4,
        "run and a; a and b; b and c; c and the end"
    );
}

#[tokio::test(start_paused = true)]
async fn independent_steps_run_at_the_same_time() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &["a", "b", "c"])]);
    let second = Duration::from_secs(1);
    let slow = |bench: &Bench| {
        for thing in ["a", "b", "c"] {
            bench.world.twist(thing, [Twist::Slow(second)]);
        }
    };
    slow(&bench);
    bench.up().await;
    assert_eq!(bench.world.busiest(), 3);

    bench.undo().await;
    bench = Bench {
        config: ExecutorConfig {
            max_parallel: 2,
            ..bench.config
        },
        ..Bench::new(&[("a", &[]), ("b", &[]), ("c", &[]), ("d", &["a", "b", "c"])])
    };
    slow(&bench);
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.busiest(), 2, "no more than `max_parallel`");
}

#[tokio::test(start_paused = true)]
async fn an_empty_plan_is_done() {
    let bench = Bench::new(&[]);
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
    assert_eq!(bench.story().await, ["run", "ended Completed"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_there_is_found_and_not_made() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.up().await;
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Completed);
    assert_eq!(bench.world.things(), ["a", "b"]);
    let story = bench.story().await;
    assert_eq!(
        story[6..],
        [
            "run",
            "started a",
            "found a",
            "started b",
            "found b",
            "ended Completed"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_stops_what_needs_it_and_nothing_else() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &[]), ("d", &["c"])]);
    bench.world.twist("a", [Twist::Fatal]);
    bench.world.twist("c", [Twist::Slow(Duration::from_secs(3))]);
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert_eq!(bench.world.things(), ["c", "d"]);
    assert_eq!(*status(&report, "b"), StepStatus::Pending);
    let [failure] = &report.failures[..] else {
        panic!("one failure: {report:?}")
    };
    assert_eq!(
        (
            failure.title.as_str(),
            failure.cause.as_str(),
            failure.remedy.as_str()
        ),
        ("make a", "`a` cannot be", "change the spec")
    );

    let report = bench.up().await;
    assert_eq!(
        report.outcome,
        RunOutcome::Completed,
        "the next session tries again"
    );
    assert_eq!(bench.world.things(), ["a", "b", "c", "d"]);
    assert_eq!(report.run.0, 1, "in the same run");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_like_any_other() {
    let bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.world.twist("a", [Twist::Panic]);
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Failed);
    assert_eq!(report.failures[0].cause, "the step panicked: `a` fell over");
    assert_eq!(bench.world.things(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_hold_parks_the_plan_when_nothing_else_can_run() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"]), ("c", &[])]);
    bench.world.twist("a", [Twist::Hold]);
    bench.world.twist("c", [Twist::Slow(Duration::from_secs(9))]);
    let report = bench.up().await;
    assert_eq!(report.outcome, RunOutcome::Held);
    assert_eq!(bench.world.things(), ["c"], "the rest was done first");
    assert_eq!(
        (
            report.holds[0].reason.as_str(),
            report.holds[0].instructions.as_str()
        ),
        ("`a` needs a person", "sign")
    );
    assert_eq!(bench.up().await.outcome, RunOutcome::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_failure_outweighs_a_hold() {
    let bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.world.twist("a", [Twist::Hold]);
    bench.world.twist("b", [Twist::Fatal]);
    assert_eq!(bench.up().await.outcome, RunOutcome::Failed);
}

#[tokio::test(start_paused = true)]
async fn steps_without_code_are_all_named_before_anything_happens() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &[]), ("c", &[])]);
    bench.plan.steps[1].kind = "world.unmake".into();
    bench.plan.steps[2].params = json!({ "thing": 3 });
    let error = bench.try_run(Direction::Up).await.err();
    let error = error.expect("the plan is refused");
    assert_eq!(
        error.to_string(),
        "the plan cannot be run: step `b` is of kind `world.unmake`, which this version does not know; parameters of step \
         `c` do not fit kind `world.make`: invalid type: integer `3`, expected a string"
    );
    assert_eq!(bench.events().await, []);
    assert_eq!(bench.world.log(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_out_of_order_is_refused() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.plan.steps.swap(0, 1);
    let error = bench.try_run(Direction::Up).await.err();
    assert!(
        matches!(&error, Some(ExecutorError::Malformed { step }) if step.as_str() == "b"),
        "{error:?}"
    );
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.plan.steps.push(bench.plan.steps[0].clone());
    let error = bench.try_run(Direction::Up).await.err();
    assert!(matches!(error, Some(ExecutorError::Malformed { .. })));
}

#[tokio::test(start_paused = true)]
async fn silence_is_broken_by_a_heartbeat() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &[])]);
    bench.config.heartbeat = Duration::from_hours(1);
    bench.world.twist("a", [Twist::Slow(Duration::from_secs(21))]);
    bench.world.twist("b", [Twist::Slow(Duration::from_secs(18))]);
    bench.up().await;
    let events = bench.events().await;
    let beats: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Heartbeat { waits, more } => Some((waits, more)),
            _ => None,
        })
        .collect();
    assert_eq!(
        beats.len(),
        3,
        "at 5, 10 and 15 s; at 18 s there is news: {beats:?}"
    );
    let (waits, more) = beats[1];
    assert_eq!((waits.len(), *more), (2, 0));
    assert_eq!(waits[0].waiting_for, "attempt 1 to end");
    assert!(waits[0].for_ms >= 10_000);
    let quiet = events
        .windows(2)
        .map(|pair| pair[1].at.duration_since(pair[0].at));
    assert!(quiet.max().is_some_and(|quiet| quiet.as_millis() <= 5_010));
}
