//! Promises about writing.

use std::collections::BTreeSet;

use serde_json::json;
use sovereign_core::event::{EventKind, RunOutcome, Wait};

use super::{
    Desk, JournalBench, about, about_run, acme, claim, ended, entries_of, note, open, sovereign, started,
    succeeded,
};
use crate::journal::{Direction, JournalError, RunId};

pub(super) async fn entries_are_durable_and_in_order<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let first = desk.write(vec![note("one"), started("a")]).await;
    let second = desk.write(vec![succeeded("a"), started("b")]).await;
    let written = [first, second].concat();
    assert_eq!(
        entries_of(&written),
        [note("one"), started("a"), succeeded("a"), started("b")]
    );
    let elsewhere = bench.open().await;
    let read = elsewhere.events(&acme(), 0, usize::MAX).await;
    assert_eq!(
        read.expect("the events are read"),
        written,
        "another process reads exactly what append returned"
    );
    let run = elsewhere.last_run(&acme()).await.expect("the run is read");
    assert_eq!(run.expect("there is a run").events, written);
}

pub(super) async fn the_sequence_has_no_gap<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![note("1"), note("2")]).await;
    let refused = desk.try_write(vec![note("3"), succeeded("a")]).await;
    assert!(refused.is_err(), "a step that did not start cannot succeed");
    desk.write(vec![note("3"), ended(RunOutcome::Completed)]).await;
    let next = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    let written = desk.journal.append(&desk.lease, next.id, vec![note("5")]).await;
    written.expect("the entries are written");
    let events = desk.everything().await;
    let sequence: Vec<u64> = events.iter().map(|event| event.seq).collect();
    assert_eq!(
        sequence,
        [1, 2, 3, 4, 5],
        "one sequence from 1, over all runs, untouched by refusals"
    );
    assert!(events.is_sorted_by_key(|event| event.at), "stamps never go back");
}

pub(super) async fn an_append_is_all_or_none<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let batches = [
        vec![started("a"), succeeded("b")],
        vec![succeeded("b"), started("a")],
        vec![note("x"), started("a"), succeeded("a"), succeeded("a")],
    ];
    for batch in batches {
        let refused = desk.try_write(batch).await;
        assert!(
            matches!(refused, Err(JournalError::Illegal { .. })),
            "{refused:?}"
        );
        assert_eq!(desk.everything().await, [], "a refused append writes nothing");
    }
    desk.write(vec![started("a")]).await;
}

pub(super) async fn illegal_transitions_are_refused<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![started("a"), succeeded("a"), started("b")]).await;
    let illegal = [
        started("a"),
        about("a", EventKind::UndoStarted { attempt: 1 }),
        succeeded("c"),
        about("b", EventKind::UndoStarted { attempt: 1 }),
        about("c", EventKind::UndoSucceeded),
        about_run(EventKind::StepStarted { attempt: 1 }),
        about(
            "b",
            EventKind::RunEnded {
                outcome: RunOutcome::Failed,
            },
        ),
    ];
    for entry in illegal {
        let refused = desk.try_write(vec![entry.clone()]).await;
        assert!(
            matches!(&refused, Err(JournalError::Illegal { sovereign, .. }) if *sovereign == acme()),
            "{entry:?} answers `Illegal`, not {refused:?}"
        );
    }
    assert_eq!(desk.everything().await.len(), 3, "nothing of it was written");
}

pub(super) async fn transitions_are_checked_inside_one_append<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![
        started("a"),
        succeeded("a"),
        started("b"),
        note("and on"),
        succeeded("b"),
    ])
    .await;
    let elsewhere = bench.open().await;
    let refused = elsewhere
        .append(&desk.lease, desk.run.id, vec![started("b")])
        .await;
    assert!(
        matches!(refused, Err(JournalError::Illegal { .. })),
        "what an append moved holds for the next one, in every process: {refused:?}"
    );
}

pub(super) async fn an_empty_append_is_fenced_too<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    assert_eq!(desk.write(Vec::new()).await, []);
    let again = claim(bench, &*desk.journal, &acme(), "first").await;
    let refused = desk.try_write(Vec::new()).await;
    assert!(
        matches!(refused, Err(JournalError::LeaseLost { .. })),
        "{refused:?}"
    );
    let written = desk.journal.append(&again, desk.run.id, Vec::new()).await;
    assert_eq!(written.expect("nothing is written"), []);
}

pub(super) async fn an_unknown_run_is_refused<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let other = Desk::of(bench, &sovereign("globex")).await;
    for run in [RunId(desk.run.id.0 + 1000), other.run.id] {
        let refused = desk.journal.append(&desk.lease, run, vec![note("lost")]).await;
        assert!(
            matches!(&refused, Err(JournalError::UnknownRun { run: named, .. }) if *named == run),
            "run {} is none of `acme`: {refused:?}",
            run.0
        );
    }
    assert_eq!(desk.everything().await, []);
    assert_eq!(other.everything().await, []);
}

pub(super) async fn every_kind_of_event_survives<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let text = String::from("ünïcode, \"quotes\", a\nline break and a \\");
    let entries = vec![
        about_run(EventKind::RunStarted {
            worker: text.clone(),
            steps: 3,
        }),
        started("a"),
        about(
            "a",
            EventKind::StepRetrying {
                cause: text.clone(),
                after_ms: 1_500,
            },
        ),
        about("a", EventKind::StepStarted { attempt: 2 }),
        about(
            "a",
            EventKind::StepHeld {
                reason: text.clone(),
                instructions: text.clone(),
            },
        ),
        about("a", EventKind::StepStarted { attempt: 3 }),
        about(
            "a",
            EventKind::StepFailed {
                cause: text.clone(),
                remedy: text.clone(),
            },
        ),
        about(
            "a",
            EventKind::Note {
                message: text.clone(),
            },
        ),
        started("b"),
        about(
            "b",
            EventKind::StepSucceeded {
                found: true,
                output: json!({ "id": u64::MAX, "list": [null, true, -1, 0.25], "text": text }),
            },
        ),
        about_run(EventKind::Heartbeat {
            waits: vec![Wait {
                step: "a".into(),
                waiting_for: text.clone(),
                last_seen: String::new(),
                for_ms: 12_345,
            }],
            more: 7,
        }),
        about("c", EventKind::UndoStarted { attempt: 1 }),
        about(
            "c",
            EventKind::UndoRetrying {
                cause: text.clone(),
                after_ms: 0,
            },
        ),
        about(
            "c",
            EventKind::UndoFailed {
                cause: text.clone(),
                remedy: text.clone(),
            },
        ),
        about("c", EventKind::UndoStarted { attempt: 2 }),
        about("c", EventKind::UndoSucceeded),
        ended(RunOutcome::Cancelled),
    ];
    let written = desk.write(entries.clone()).await;
    assert_eq!(entries_of(&written), entries);
    let elsewhere = bench.open().await;
    let read = elsewhere.events(&acme(), 0, usize::MAX).await;
    assert_eq!(read.expect("the events are read"), written);
}

pub(super) async fn concurrent_appends_are_serialised<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let elsewhere = bench.open().await;
    let writes = (0..16).map(|index| {
        let journal = if index % 2 == 0 { &desk.journal } else { &elsewhere };
        let entries = vec![note(&format!("{index} first")), note(&format!("{index} second"))];
        journal.append(&desk.lease, desk.run.id, entries)
    });
    let mut sequence = BTreeSet::new();
    for written in futures::future::join_all(writes).await {
        let written = written.expect("the entries are written");
        assert_eq!(written.len(), 2);
        assert_eq!(
            written[0].seq + 1,
            written[1].seq,
            "the entries of one append stay together"
        );
        sequence.extend(written.iter().map(|event| event.seq));
    }
    assert_eq!(
        sequence,
        (1..=32).collect(),
        "no place is given twice or left out"
    );
    let starts = (0..4).map(|_| desk.try_write(vec![started("a"), succeeded("a")]));
    let won = futures::future::join_all(starts).await;
    assert_eq!(
        won.iter().filter(|written| written.is_ok()).count(),
        1,
        "a step succeeds once, however many try: {won:?}"
    );
}
