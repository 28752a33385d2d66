//! Promises about who may write.

use std::time::Duration;

use super::{Desk, JournalBench, acme, assert_fenced, claim, entries_of, note, started, succeeded, worker};
use crate::lease::Claim;

/// A lease that ran out, with a little beyond it.
fn past<B: JournalBench>(bench: &B) -> Duration {
    bench.ttl() + bench.ttl() / 10
}

pub(super) async fn a_free_sovereign_is_granted<B: JournalBench>(bench: &B) {
    let journal = bench.open().await;
    let lease = claim(bench, &*journal, &acme(), "first").await;
    assert_eq!(lease.sovereign, acme());
    assert_eq!(lease.worker, worker("first"));
}

pub(super) async fn a_held_sovereign_is_refused_with_its_holder<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let other = bench.open().await;
    let answer = other.claim(&acme(), &worker("second"), bench.ttl()).await;
    let answer = answer.expect("the claim is answered");
    assert!(
        matches!(&answer, Claim::Held { by, .. } if *by == worker("first")),
        "a held Sovereign names its holder, not {answer:?}"
    );
    desk.write(vec![note("still mine")]).await;
}

pub(super) async fn the_same_worker_claims_again_and_fences_itself<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let again = claim(bench, &*desk.journal, &acme(), "first").await;
    assert!(
        again.epoch > desk.lease.epoch,
        "every claim has a higher epoch: {} after {}",
        again.epoch,
        desk.lease.epoch
    );
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    let written = desk.journal.append(&again, desk.run.id, vec![note("mine")]).await;
    written.expect("the newer lease of the same worker writes");
}

pub(super) async fn a_lease_runs_out<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    bench.pass(past(bench)).await;
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    assert_eq!(desk.everything().await, []);
}

pub(super) async fn renewal_keeps_it<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    for _ in 0..4 {
        bench.pass(bench.ttl() / 2).await;
        let renewed = desk.journal.renew(&desk.lease, bench.ttl()).await;
        renewed.expect("a lease in force is renewed");
    }
    desk.write(vec![note("after twice the ttl")]).await;
    let other = desk.journal.claim(&acme(), &worker("second"), bench.ttl()).await;
    let other = other.expect("the claim is answered");
    assert!(
        matches!(other, Claim::Held { .. }),
        "a renewed lease keeps others out"
    );
}

pub(super) async fn a_takeover_fences_the_first_holder<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.write(vec![started("a")]).await;
    bench.pass(past(bench)).await;
    let other = bench.open().await;
    let lease = claim(bench, &*other, &acme(), "second").await;
    assert!(lease.epoch > desk.lease.epoch, "a takeover has a higher epoch");
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    desk.journal
        .release(&desk.lease)
        .await
        .expect("releasing a lost lease is no error");
    let written = other.append(&lease, desk.run.id, vec![succeeded("a")]).await;
    written.expect("the new holder writes");
    assert_eq!(
        entries_of(&desk.everything().await),
        [started("a"), succeeded("a")],
        "nothing of the fenced worker was written"
    );
}

pub(super) async fn the_lease_of_one_that_is_silent_can_be_ended<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let other = bench.open().await;
    let held = || async {
        match other.claim(&acme(), &worker("second"), bench.ttl()).await {
            Ok(Claim::Held { by, until, lasts }) => (by, until, lasts),
            answer => panic!("it is held, not {answer:?}"),
        }
    };
    let (by, until, lasts) = held().await;
    assert_eq!(lasts, bench.ttl());
    bench.pass(bench.ttl() / 10).await;
    let renewed = desk.journal.renew(&desk.lease, bench.ttl()).await;
    renewed.expect("a lease in force is renewed");
    let ended = other.end_lease(&acme(), &by, until).await;
    ended.expect("a lease that was renewed is left alone, which is no error");
    let (by, until, _) = held().await;
    let ended = other.end_lease(&acme(), &by, until).await;
    ended.expect("a lease that was not renewed is ended");
    let next = claim(bench, &*other, &acme(), "second").await;
    assert!(
        next.epoch > desk.lease.epoch,
        "a claim after that has a higher epoch"
    );
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
}

pub(super) async fn release_frees_it_at_once<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    desk.journal
        .release(&desk.lease)
        .await
        .expect("the lease is released");
    assert_fenced(&*desk.journal, &desk.lease, &desk.run, bench.ttl()).await;
    let next = claim(bench, &*desk.journal, &acme(), "second").await;
    assert!(
        next.epoch > desk.lease.epoch,
        "a claim after a release has a higher epoch"
    );
}

pub(super) async fn releasing_a_lost_lease_takes_nothing<B: JournalBench>(bench: &B) {
    let desk = Desk::new(bench).await;
    let again = claim(bench, &*desk.journal, &acme(), "first").await;
    desk.journal
        .release(&desk.lease)
        .await
        .expect("releasing a lost lease is no error");
    let written = desk.journal.append(&again, desk.run.id, vec![note("mine")]).await;
    written.expect("the lease in force is still in force");
}

pub(super) async fn only_one_of_many_claims_wins<B: JournalBench>(bench: &B) {
    let one = bench.open().await;
    let two = bench.open().await;
    let ttl = bench.ttl();
    let acme = acme();
    let claims = (0..8).map(|index| {
        let journal = if index % 2 == 0 { &one } else { &two };
        let acme = &acme;
        async move {
            journal
                .claim(acme, &worker(&format!("worker-{index}")), ttl)
                .await
        }
    });
    let answers = futures::future::join_all(claims).await;
    let granted = answers
        .into_iter()
        .map(|answer| answer.expect("the claim is answered"))
        .filter(|answer| matches!(answer, Claim::Granted(_)))
        .count();
    assert_eq!(granted, 1, "exactly one of eight claims at once is granted");
}
