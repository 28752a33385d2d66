//! Promises about opening and resuming runs.

use sovereign_core::event::{EventKind, RunOutcome};

use super::{Desk, JournalBench, about, acme, claim, ended, note, open, plan, started, step, succeeded};
use crate::journal::Direction;
use crate::status::{StatusBoard, StepStatus};

pub(super) async fn an_unfinished_run_goes_on<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    assert_eq!(desk.run.events, []);
    assert_eq!(desk.run.direction, Direction::Up);
    let mut written = desk.write(vec![started("a"), succeeded("a"), started("b")]).await;
    for outcome in [RunOutcome::Held, RunOutcome::Cancelled, RunOutcome::Failed] {
        written.extend(desk.write(vec![ended(outcome)]).await);
        let again = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
        assert_eq!(again.id, desk.run.id, "a run that ended {outcome:?} goes on");
        assert_eq!(again.events, written, "a run comes back with its events");
    }
    let board = StatusBoard::replay(&desk.plan, &written).expect("the events are legal");
    assert_eq!(*board.status(&step("b")), StepStatus::Running { attempt: 1 });
}

pub(super) async fn a_completed_run_is_not_reopened<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![ended(RunOutcome::Completed)]).await;
    let next = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    assert_ne!(next.id, desk.run.id, "a completed run is over");
    assert_eq!(next.events, []);
    let last = desk.journal.last_run(&acme()).await.expect("the run is read");
    assert_eq!(
        last,
        Some(next),
        "the last run is the one opened last, even before its first event"
    );
}

pub(super) async fn only_the_last_word_of_a_run_counts<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![
        ended(RunOutcome::Failed),
        note("again"),
        ended(RunOutcome::Completed),
    ])
    .await;
    let next = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    assert_ne!(
        next.id, desk.run.id,
        "a run that failed and then completed is over"
    );
}

pub(super) async fn another_plan_opens_a_new_run<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![started("a")]).await;
    let other = plan(&acme(), 2);
    let next = open(&*desk.journal, &desk.lease, &other, Direction::Up).await;
    assert_ne!(next.id, desk.run.id);
    assert_eq!(next.plan, other);
    assert_eq!(next.events, [], "a new run has no past");
    let back = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    assert_ne!(back.id, desk.run.id, "only the last run can go on");
    assert_ne!(back.id, next.id);
}

pub(super) async fn another_direction_opens_a_new_run<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let undo = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Undo).await;
    assert_ne!(undo.id, desk.run.id);
    assert_eq!(undo.direction, Direction::Undo);
    let again = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Undo).await;
    assert_eq!(again.id, undo.id, "an unfinished undo goes on");
}

pub(super) async fn a_new_run_begins_with_every_step_pending<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![
        started("a"),
        succeeded("a"),
        started("b"),
        ended(RunOutcome::Completed),
    ])
    .await;
    let undo = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Undo).await;
    let entries = ["a", "b", "c"].map(|name| about(name, EventKind::UndoStarted { attempt: 1 }));
    let written = desk.journal.append(&desk.lease, undo.id, entries.to_vec()).await;
    written.expect("every step of a new run can be begun");
    let up = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    let written = desk
        .journal
        .append(&desk.lease, up.id, vec![started("a"), succeeded("a")])
        .await;
    written.expect("and so in the run after it");
}

pub(super) async fn the_plan_comes_back_byte_for_byte<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let elsewhere = bench.open().await;
    let read = elsewhere.last_run(&acme()).await.expect("the run is read");
    let read = read.expect("there is a run").plan;
    assert_eq!(read, desk.plan);
    assert_eq!(read.digest(), desk.plan.digest());
}

pub(super) async fn last_run_towards_looks_past_the_other_direction<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let towards = async |direction| {
        let run = desk.journal.last_run_towards(&acme(), direction).await;
        run.expect("the run is read")
    };
    assert_eq!(towards(Direction::Undo).await, None);
    let events = desk.write(vec![started("a")]).await;
    let undo = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Undo).await;
    let up = towards(Direction::Up).await.expect("there is a run up");
    assert_eq!((up.id, up.events), (desk.run.id, events));
    assert_eq!(towards(Direction::Undo).await, Some(undo.clone()));
    let last = desk.journal.last_run(&acme()).await.expect("the run is read");
    assert_eq!(last, Some(undo));
}

pub(super) async fn another_worker_goes_on_with_the_run<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let written = desk.write(vec![started("a")]).await;
    bench.pass(bench.ttl() * 2).await;
    let other = bench.open().await;
    let lease = claim(bench, &*other, &acme(), "second").await;
    let run = open(&*other, &lease, &desk.plan, Direction::Up).await;
    assert_eq!((run.id, run.events), (desk.run.id, written));
    let more = other.append(&lease, run.id, vec![succeeded("a")]).await;
    assert_eq!(more.expect("the new holder writes")[0].seq, 2);
}
