//! Two workers, one Sovereign.

use std::sync::Arc;
use std::time::Duration;

use sovereign_core::event::RunOutcome;
use sovereign_engine::executor::ExecutorError;
use sovereign_engine::journal::Direction;
use sovereign_engine::lease::{Claim, WorkerId};
use sovereign_engine::testing::CrashingJournal;
use sovereign_engine::testing::world::Twist;
use tokio::time::Instant;

use crate::bench::Bench;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_second_worker_is_told_who_is_at_work() {
    let bench = Bench::new(&[("a", &[])]);
    bench.world.twist("a", [Twist::Slow(SECOND * 60)]);
    let second = async {
        tokio::time::sleep(SECOND * 50).await;
        bench
            .work("second", bench.journal.clone(), bench.process(), Direction::Up)
            .await
    };
    let (first, second) = tokio::join!(bench.up(), second);
    assert_eq!(
        first.outcome,
        RunOutcome::Completed,
        "the lease was renewed all the while"
    );
    let error = second.expect_err("the Sovereign is held");
    assert!(
        error
            .to_string()
            .starts_with("`acme` is held by worker `worker` until "),
        "{error}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_lease_is_given_back_in_every_case() {
    let bench = Bench::new(&[("a", &[])]);
    let free = async || {
        let next = WorkerId::new("next");
        let claim = bench.journal.claim(&bench.plan.sovereign, &next, SECOND).await;
        let Ok(Claim::Granted(lease)) = claim else {
            panic!("the Sovereign is free, not {claim:?}")
        };
        bench
            .journal
            .release(&lease)
            .await
            .expect("the lease is released");
    };
    bench.world.twist("a", [Twist::Fatal]);
    bench.up().await;
    free().await;
    bench.up().await;
    free().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_takeover_the_first_worker_drops_everything() {
    let (bench, clock) = Bench::with_clock(&[("a", &[]), ("b", &["a"])]);
    bench.world.twist("a", [Twist::Slow(SECOND * 3)]);
    let takeover = async {
        tokio::time::sleep(SECOND).await;
        clock.advance(SECOND * 16);
        bench
            .work("second", bench.journal.clone(), bench.process(), Direction::Up)
            .await
    };
    let (first, second) = tokio::join!(bench.try_run(Direction::Up), takeover);
    assert!(matches!(first, Err(ExecutorError::LeaseLost { .. })), "{first:?}");
    assert_eq!(
        second.map(|report| report.outcome).ok(),
        Some(RunOutcome::Completed)
    );
    assert_eq!(
        bench.world.things(),
        ["a", "b"],
        "the first worker's slow effect never came"
    );
    let story = bench.story().await;
    assert_eq!(story.iter().filter(|word| word.starts_with("ended")).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_cannot_renew_for_a_whole_ttl_stops_itself() {
    let mut bench = Bench::new(&[("a", &[])]);
    bench.config.lease_ttl = SECOND * 3;
    bench.config.heartbeat = SECOND * 5;
    bench.world.twist("a", [Twist::Slow(SECOND * 60)]);
    let journal = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let began = Instant::now();
    let cut = async {
        tokio::time::sleep(SECOND / 2).await;
        journal.die();
    };
    let (report, ()) = tokio::join!(
        bench.work("worker", journal.clone(), bench.process(), Direction::Up),
        cut
    );
    assert!(
        matches!(report, Err(ExecutorError::LeaseLost { .. })),
        "{report:?}"
    );
    assert_eq!(
        began.elapsed().as_millis().div_euclid(100),
        30,
        "at 3 s, and no later"
    );
    assert_eq!(bench.world.things(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_fails_is_tried_again_while_the_lease_lives() {
    let mut bench = Bench::new(&[("a", &[])]);
    bench.config.lease_ttl = SECOND * 3;
    bench.config.heartbeat = SECOND * 5;
    bench.world.twist("a", [Twist::Slow(SECOND * 9)]);
    let journal = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let cut = async {
        tokio::time::sleep(SECOND / 2).await;
        journal.die();
        tokio::time::sleep(SECOND * 2).await;
        journal.revive();
    };
    let (report, ()) = tokio::join!(
        bench.work("worker", journal.clone(), bench.process(), Direction::Up),
        cut
    );
    assert_eq!(
        report.map(|report| report.outcome).ok(),
        Some(RunOutcome::Completed)
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_fails_stops_the_worker() {
    let bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.world.twist("a", [Twist::Hang]);
    let journal = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let cut = async {
        tokio::time::sleep(SECOND).await;
        journal.die();
    };
    let (report, ()) = tokio::join!(
        bench.work("worker", journal.clone(), bench.process(), Direction::Up),
        cut
    );
    let error = report.expect_err("the heartbeat cannot be written");
    assert_eq!(
        sovereign_engine::step::chain(&error),
        "work on `acme` stopped because its journal failed: the journal could not append entries: the process is dead"
    );
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_never_answers_holds_nobody_longer_than_the_lease() {
    let mut bench = Bench::new(&[("a", &[]), ("b", &["a"])]);
    bench.config.lease_ttl = SECOND * 6;
    bench.world.twist("a", [Twist::Slow(SECOND)]);
    let journal = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let began = Instant::now();
    let cut = async {
        tokio::time::sleep(SECOND / 2).await;
        journal.stall();
    };
    let (report, ()) = tokio::join!(
        bench.work("worker", journal.clone(), bench.process(), Direction::Up),
        cut
    );
    assert!(
        matches!(report, Err(ExecutorError::LeaseLost { .. })),
        "{report:?}"
    );
    assert_eq!(began.elapsed().as_secs(), 6);
    assert_eq!(
        bench.world.things(),
        ["a"],
        "what is not written down is not built upon"
    );
}
