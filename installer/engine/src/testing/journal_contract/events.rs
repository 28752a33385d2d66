//! Promises about reading, and about what is forgotten.

use sovereign_core::event::{Event, RunOutcome};

use super::{
    Desk, JournalBench, acme, assert_fenced, claim, ended, entries_of, note, open, sovereign, started,
    succeeded,
};
use crate::journal::Direction;

pub(super) async fn pages_fit_together<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    for index in 0..10 {
        desk.write(vec![note(&format!("{index}"))]).await;
    }
    desk.write(vec![ended(RunOutcome::Completed)]).await;
    let next = open(&*desk.journal, &desk.lease, &desk.plan, Direction::Up).await;
    let written = desk
        .journal
        .append(&desk.lease, next.id, vec![note("next run")])
        .await;
    written.expect("the entries are written");
    let all = desk.everything().await;
    assert_eq!(all.len(), 12, "events of all runs are one sequence");
    for size in [1, 5, 12, 100] {
        let mut read: Vec<Event> = Vec::new();
        loop {
            let after = read.last().map_or(0, |event| event.seq);
            let page = desk.journal.events(&acme(), after, size).await;
            let page = page.expect("the page is read");
            assert!(page.len() <= size, "a page holds at most what was asked for");
            if page.is_empty() {
                break;
            }
            read.extend(page);
        }
        assert_eq!(read, all, "pages of {size} make up the whole");
    }
    let beyond = desk.journal.events(&acme(), u64::MAX, 10).await;
    assert_eq!(beyond.expect("the page is read"), []);
    let none = desk.journal.events(&acme(), 0, 0).await;
    assert_eq!(none.expect("the page is read"), []);
}

pub(super) async fn an_unknown_sovereign_has_nothing<B: JournalBench>(bench: &B) {
    let journal = bench.open().await;
    let events = journal.events(&acme(), 0, 10).await;
    assert_eq!(events.expect("the events are read"), []);
    let run = journal.last_run(&acme()).await;
    assert_eq!(run.expect("the run is read"), None);
    let run = journal.last_run_towards(&acme(), Direction::Up).await;
    assert_eq!(run.expect("the run is read"), None);
    let known = journal.sovereigns().await;
    assert_eq!(known.expect("the names are read"), []);
}

pub(super) async fn two_sovereigns_never_mix<B: JournalBench>(bench: &B) {
    let prod = Desk::of(bench, &sovereign("prod")).await;
    let prod2 = Desk::of(bench, &sovereign("prod2")).await;
    assert_ne!(
        prod.run.id, prod2.run.id,
        "the number of a run is unique in the journal"
    );
    prod.write(vec![started("a")]).await;
    prod2
        .write(vec![note("mine"), started("a"), succeeded("a")])
        .await;
    prod.write(vec![succeeded("a")]).await;
    assert_eq!(
        entries_of(&prod.everything().await),
        [started("a"), succeeded("a")]
    );
    assert_eq!(
        entries_of(&prod2.everything().await),
        [note("mine"), started("a"), succeeded("a")]
    );
    let sequence = |events: Vec<Event>| events.iter().map(|event| event.seq).collect::<Vec<_>>();
    assert_eq!(sequence(prod.everything().await), [1, 2]);
    assert_eq!(sequence(prod2.everything().await), [1, 2, 3]);
}

pub(super) async fn sovereigns_are_listed_by_name<B: JournalBench>(bench: &B) {
    for name in ["prod2", "acme", "prod"] {
        Desk::of(bench, &sovereign(name)).await;
    }
    let known = bench.open().await.sovereigns().await;
    assert_eq!(
        known.expect("the names are read"),
        ["acme", "prod", "prod2"].map(sovereign)
    );
}

pub(super) async fn forget_removes_one_and_only_one<B: JournalBench>(bench: &B) {
    let prod = Desk::of(bench, &sovereign("prod")).await;
    let prod2 = Desk::of(bench, &sovereign("prod2")).await;
    prod.write(vec![started("a")]).await;
    prod2.write(vec![started("a")]).await;
    prod.journal.forget(&prod.lease).await.expect("it is forgotten");
    let elsewhere = bench.open().await;
    let gone = elsewhere.events(&sovereign("prod"), 0, 10).await;
    assert_eq!(gone.expect("the events are read"), []);
    let run = elsewhere.last_run(&sovereign("prod")).await;
    assert_eq!(run.expect("the run is read"), None);
    let known = elsewhere.sovereigns().await;
    assert_eq!(known.expect("the names are read"), [sovereign("prod2")]);
    assert_eq!(entries_of(&prod2.everything().await), [started("a")]);
    prod2.write(vec![succeeded("a")]).await;
}

pub(super) async fn a_forgotten_lease_is_worth_nothing<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![started("a"), ended(RunOutcome::Failed)]).await;
    desk.journal.forget(&desk.lease).await.expect("it is forgotten");
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    let next = claim(bench, &*desk.journal, &acme(), "second").await;
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    let run = open(&*desk.journal, &next, &desk.plan, Direction::Up).await;
    assert_eq!(run.events, [], "nothing of before is remembered");
    let written = desk.journal.append(&next, run.id, vec![started("a")]).await;
    assert_eq!(
        written.expect("a step can be begun again")[0].seq,
        1,
        "the sequence of a forgotten Sovereign begins anew"
    );
}
