//! Another plan in the middle of the way, and another way: what caches hold from before is waited for all the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sovereign_core::event::RunOutcome;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::plan::Plan;
use sovereign_lab::{DsData, Fate, Memory, RegisteredDomain, RegistrarVendor, Resolver, Watch as Asking};

use crate::bench::Bench;
use crate::by_hand::person;
use crate::crash::{bench_in, killed_when};
use crate::watch::Watch;
use crate::world::{Before, OLD, OURS, World};

/// Number of a record type (RFC 1035 section 3.2.2).
const A: u16 = 1;
/// Seconds that caches keep what the parent says: long enough to be seen to be waited for.
const TTL: u32 = 5;
const REMEMBERED: Duration = Duration::from_secs(TTL as u64);

async fn world(before: Before) -> World {
    World::remembered(RegistrarVendor::Porkbun, before, TTL).await
}

fn watch(bench: &Bench) -> Watch {
    Watch::remembering(&bench.world.domain, bench.world.probe(), REMEMBERED)
}

/// The same ends by a plan with another digest: a spec that was edited, another agent, a server that is gone.
fn edited(bench: &mut Bench) -> Plan {
    bench.patience.sick += 1;
    bench.plan()
}

/// Somebody behind a resolver that validates and remembers.
struct Asker {
    /// It ends with this value.
    resolver: Resolver,
    asking: Asking,
}

impl Asker {
    async fn start(world: &World) -> Self {
        let resolver = world.dns.resolver(Memory::Lasting).await.unwrap();
        let asking = Asking::start(&[resolver.address], &[("www.acme.example", A)]);
        Self { resolver, asking }
    }

    async fn assert_served(self) {
        let sightings = self.asking.end().await;
        let silent = |fate: &Fate| *fate == Fate::Silent;
        // A machine that is busy may leave a question unanswered; what counts is that no answer was wrong.
        let wrong: Vec<_> = sightings.failures.iter().filter(|it| !silent(&it.fate)).collect();
        assert!(wrong.is_empty() && sightings.answered > 0, "{wrong:?}");
    }
}

fn digests(entry: &RegisteredDomain) -> Vec<String> {
    entry.ds.iter().map(DsData::rdata).collect()
}

#[tokio::test]
async fn keys_that_an_earlier_plan_took_off_are_waited_for_and_go_back_with_the_name() {
    let (mut bench, clock) = bench_in(world(Before::Signed).await);
    let before = bench.world.entry();
    let (watch, asker) = (watch(&bench), Asker::start(&bench.world).await);
    killed_when(&bench, &clock, &bench.plan(), |entry| entry.ds.is_empty()).await;
    assert_eq!(
        bench.world.entry().ns,
        OLD,
        "killed while caches have the old keys"
    );

    let plan = edited(&mut bench);
    let report = bench.run(&plan).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_eq!(bench.world.entry().ns, OURS);
    let report = bench.run(&bench.restore(bench.snapshot().await)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
    asker.assert_served().await;
    let after = bench.world.entry();
    assert_eq!(after.ns, OLD);
    assert_eq!(digests(&after), digests(&before));
}

#[tokio::test]
async fn keys_that_somebody_took_off_just_before_are_waited_for() {
    let bench = Bench::new(world(Before::Signed).await);
    let watch = watch(&bench);
    let asker = Asker::start(&bench.world).await;
    let secure = Fate::Answered { secure: true };
    assert_eq!(asker.resolver.ask("www.acme.example", A).await, secure);
    let mut entry = bench.world.entry();
    entry.ds.clear();
    bench.world.sim.registry().put("acme.example", entry.clone());
    bench.world.publish(&entry).await;
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let (old, ours) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
    asker.assert_served().await;
}

#[tokio::test]
async fn name_servers_that_an_earlier_plan_left_are_forgotten_before_a_key_is_vouched_for() {
    for is_lost in [false, true] {
        let (mut bench, clock) = bench_in(world(Before::Plain).await);
        let (watch, asker) = (watch(&bench), Asker::start(&bench.world).await);
        killed_when(&bench, &clock, &bench.plan(), |entry| entry.ns == OURS).await;
        if is_lost {
            bench.journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
        }
        let plan = edited(&mut bench);
        let report = bench.run(&plan).await;
        assert_eq!(
            report.outcome,
            RunOutcome::Completed,
            "lost {is_lost}: {report:#?}"
        );
        assert_eq!(bench.world.entry().ds.len(), 1, "lost {is_lost}");
        let (old, ours) = bench.keys().await;
        watch.assert_unbroken(&old, &ours).await;
        asker.assert_served().await;
        let way_back = bench.output("inspect").await.unwrap()["before"].clone();
        assert_eq!(way_back.is_null(), is_lost, "{way_back:?}");
    }
}

/// A plan that goes on with what another one began can still go back.
#[tokio::test]
async fn a_name_goes_back_to_where_an_earlier_plan_took_it_from() {
    let (mut bench, clock) = bench_in(world(Before::Signed).await);
    let before = bench.world.entry();
    killed_when(&bench, &clock, &bench.plan(), |entry| entry.ns == OURS).await;
    bench.patience.sick = 1;
    let plan = edited(&mut bench);
    let watch = watch(&bench);
    let (_, ours) = bench.keys().await;
    let breaks = async {
        // The zone is made again by the plan, and its drain has begun.
        while bench.output("point").await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bench.break_ours().await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), breaks);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let (old, _) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
    let after = bench.world.entry();
    assert_eq!(after.ns, OLD, "{report:#?}");
    assert_eq!(digests(&after), digests(&before));
}

/// Our servers may go once a run says that the name is given back.
async fn assert_forgotten(watch: Watch, given_back: Instant) {
    let seen = watch.end().await;
    let last = seen
        .last_led_to(OURS[0])
        .expect("it was watched while it led to us");
    let since = given_back - last;
    assert!(since >= REMEMBERED, "a cache may lead to us: {since:?}");
}

#[tokio::test]
async fn giving_back_is_ended_by_another_plan_once_no_cache_leads_to_us() {
    let (mut bench, clock) = bench_in(world(Before::Plain).await);
    let report = bench.run(&bench.plan()).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    let (watch, asker) = (watch(&bench), Asker::start(&bench.world).await);
    let snapshot = bench.snapshot().await;
    let plan = bench.restore(snapshot.clone());
    killed_when(&bench, &clock, &plan, |entry| entry.ns == OLD).await;
    bench.patience.sick += 1;
    let report = bench.run(&bench.restore(snapshot)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_forgotten(watch, Instant::now()).await;
    // As the teardown does next.
    for host in bench.world.our_hosts() {
        host.delete(&bench.world.domain).await.unwrap();
    }
    // It is asked for as long as a cache could remember us.
    tokio::time::sleep(REMEMBERED).await;
    asker.assert_served().await;
}

#[tokio::test]
async fn giving_back_what_went_back_by_itself_waits_for_caches() {
    let (mut bench, _) = bench_in(world(Before::Plain).await);
    bench.patience.sick = 1;
    let watch = watch(&bench);
    let breaks = async {
        // Seen there by somebody, before it goes back.
        while bench.output("point").await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        bench.break_ours().await;
    };
    let plan = bench.plan();
    let (report, ()) = tokio::join!(bench.run(&plan), breaks);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    assert_eq!(bench.world.entry().ns, OLD);
    let report = bench.run(&bench.restore(bench.snapshot().await)).await;
    assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
    assert_forgotten(watch, Instant::now()).await;
}

#[tokio::test]
async fn what_somebody_led_elsewhere_is_left_once_no_cache_leads_to_us() {
    for is_lost in [false, true] {
        let (mut bench, clock) = bench_in(world(Before::Plain).await);
        let watch = watch(&bench);
        let report = bench.run(&bench.plan()).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        let plan = bench.restore(bench.snapshot().await);
        let theirs = RegisteredDomain::on(
            RegistrarVendor::Porkbun,
            &["ns1.theirs.example", "ns2.theirs.example"],
        );
        bench.world.sim.registry().put("acme.example", theirs.clone());
        bench.world.publish(&theirs).await;
        if is_lost {
            bench.journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
        }
        let report = bench.run(&plan).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        assert_eq!(bench.world.entry().ns, theirs.ns, "lost {is_lost}");
        assert_forgotten(watch, Instant::now()).await;
    }
}

/// Our key stands at one server of the parent until somebody takes it out; caches have it when the name has to go back.
#[tokio::test]
async fn a_roll_back_waits_for_a_key_of_ours_that_somebody_took_out() {
    let (mut bench, _) = bench_in(world(Before::Plain).await);
    bench.patience.sick = 1;
    let watch = watch(&bench);
    let top_level = &bench.world.dns.top_level;
    let meddles = async {
        bench.until(|entry| entry.ns == OURS).await;
        while bench.output("point").await.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // The stage is not reached as long as one server lags behind.
        top_level.hold(1);
        let vouched = "every server of the parent to vouch for the wanted keys";
        while !bench.waits().await.iter().any(|wait| wait.starts_with(vouched)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let (_, ours) = bench.keys().await;
        bench.break_ours().await;
        let mut entry = bench.world.entry();
        entry.ds.clear();
        bench.world.sim.registry().put("acme.example", entry.clone());
        bench.world.publish(&entry).await;
        top_level.release(1).await;
        ours
    };
    let plan = bench.plan();
    let (report, ours) = tokio::join!(bench.run(&plan), meddles);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    assert_eq!(bench.world.entry().ns, OLD, "{report:#?}");
    let (old, _) = bench.keys().await;
    watch.assert_unbroken(&old, &ours).await;
}

#[tokio::test]
async fn nobody_is_asked_to_lead_a_domain_that_was_signed_to_servers_that_do_not_answer() {
    let mut bench = Bench::new(World::start(RegistrarVendor::Porkbun, Before::Signed).await);
    bench.by_hand = true;
    bench.patience.sick = 6;
    let before = bench.world.entry();
    let plan = bench.plan();
    let hands = async {
        let mut entry = before.clone();
        entry.ds.clear();
        person(&bench, "Remove every DS record", &entry).await;
        bench.break_ours().await;
        // The way back.
        person(&bench, "IN DS", &before).await;
    };
    let (report, ()) = tokio::join!(bench.run(&plan), hands);
    assert_eq!(report.outcome, RunOutcome::Failed, "{report:#?}");
    let waits = bench.waits().await;
    assert!(
        waits
            .iter()
            .any(|wait| wait.starts_with("the name servers of `acme.example` to answer")),
        "{waits:?}"
    );
    let leads_there = |wait: &&String| wait.contains("by hand") && wait.contains(OURS[0]);
    let asked: Vec<_> = waits.iter().filter(leads_there).collect();
    assert!(asked.is_empty(), "{asked:?}");
    assert_eq!(digests(&bench.world.entry()), digests(&before));
}
