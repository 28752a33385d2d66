//! Killed anywhere, on the way there and on the way back: the next process ends what the dead one began.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sovereign_core::event::RunOutcome;
use sovereign_dns::DomainName;
use sovereign_dns::registrar::{
    Capabilities, Delegation, ParentHost, Progress, RegistrarError, RegistrarKind, Submitted, Target, Task,
};
use sovereign_engine::clock::ManualClock;
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::plan::Plan;
use sovereign_engine::testing::{CrashPoint, CrashingJournal};
use sovereign_lab::{RegisteredDomain, RegistrarVendor};

use crate::bench::{Bench, everywhere};
use crate::watch::Watch;
use crate::world::{Before, OLD, OURS, World};

/// A registrar's client in a process that is killed at a call: before it is sent, or after it was answered.
#[derive(Debug)]
struct Mortal {
    inner: Arc<dyn ParentHost>,
    process: Arc<CrashingJournal>,
    calls: Arc<AtomicUsize>,
    /// Only calls that may change something count.
    only_sets: bool,
    dies_at: usize,
    after: bool,
}

impl Mortal {
    async fn call<T>(&self, is_set: bool, work: impl Future<Output = T>) -> T {
        if self.only_sets && !is_set {
            return work.await;
        }
        let dies = self.calls.fetch_add(1, Ordering::SeqCst) + 1 == self.dies_at;
        if dies && !self.after {
            self.die().await;
        }
        let answer = work.await;
        if dies {
            self.die().await;
        }
        answer
    }

    async fn die(&self) {
        self.process.die();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl ParentHost for Mortal {
    fn kind(&self) -> RegistrarKind {
        self.inner.kind()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        self.call(false, self.inner.check_access(domain)).await
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError> {
        self.call(false, self.inner.read(domain)).await
    }

    async fn set(
        &self,
        domain: &DomainName,
        expected: &Delegation,
        target: &Target,
    ) -> Result<Submitted, RegistrarError> {
        self.call(true, self.inner.set(domain, expected, target)).await
    }

    async fn progress(
        &self,
        domain: &DomainName,
        task: &Task,
        target: &Target,
    ) -> Result<Progress, RegistrarError> {
        self.call(false, self.inner.progress(domain, task, target)).await
    }
}

/// A bench whose dead processes' leases can run out.
pub(crate) async fn bench(vendor: RegistrarVendor, before: Before) -> (Bench, Arc<ManualClock>) {
    bench_in(World::start(vendor, before).await)
}

pub(crate) fn bench_in(world: World) -> (Bench, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::default());
    let mut bench = Bench::new(world);
    bench.journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
    (bench, clock)
}

pub(crate) const LEASE: Duration = Duration::from_secs(61);

/// A process that is killed at the given call. False if it ended before.
pub(crate) async fn killed_at(bench: &mut Bench, clock: &ManualClock, plan: &Plan, call: usize) -> bool {
    let after = call.is_multiple_of(2);
    let process = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let (calls, mortal) = (Arc::new(AtomicUsize::new(0)), process.clone());
    bench.around = Some(Box::new(move |inner| {
        Arc::new(Mortal {
            inner,
            process: mortal.clone(),
            calls: calls.clone(),
            only_sets: false,
            dies_at: call,
            after,
        })
    }));
    let ended = bench.run_on(process.clone(), plan).await;
    bench.around = None;
    clock.advance(LEASE);
    assert_eq!(process.is_dead(), ended.is_err(), "{ended:?}");
    process.is_dead()
}

/// A process that is killed once the registrar's record fulfils something.
pub(crate) async fn killed_when(
    bench: &Bench,
    clock: &ManualClock,
    plan: &Plan,
    what: impl Fn(&RegisteredDomain) -> bool,
) {
    killed_after(bench, clock, plan, bench.until(what)).await;
}

/// A process that is killed once something else is done.
pub(crate) async fn killed_after(
    bench: &Bench,
    clock: &ManualClock,
    plan: &Plan,
    done: impl Future<Output = ()>,
) {
    let process = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
    let dies = async {
        done.await;
        process.die();
    };
    let (ended, ()) = tokio::join!(bench.run_on(process.clone(), plan), dies);
    clock.advance(LEASE);
    assert!(ended.is_err(), "{ended:?}");
}

#[tokio::test]
async fn killed_at_any_call_to_the_registrar() {
    for vendor in [RegistrarVendor::Porkbun, RegistrarVendor::Ovh] {
        let calls = everywhere(async |call| {
            let (mut bench, clock) = bench(vendor, Before::Signed).await;
            let watch = Watch::start(&bench.world.domain, bench.world.probe());
            let plan = bench.plan();
            let died = killed_at(&mut bench, &clock, &plan, call).await;
            let report = bench.run(&bench.plan()).await;
            assert_eq!(
                report.outcome,
                RunOutcome::Completed,
                "{vendor:?}, call {call}: {report:#?}"
            );
            assert_eq!(bench.world.entry().ns, OURS, "{vendor:?}, call {call}");
            let (old, ours) = bench.keys().await;
            watch.assert_unbroken(&old, &ours).await;
            died
        })
        .await;
        assert!(calls > 8, "{calls}");
    }
}

#[tokio::test]
async fn killed_at_any_write_to_the_journal() {
    let appends = everywhere(async |append| {
        let (mut bench, clock) = bench(RegistrarVendor::Porkbun, Before::Plain).await;
        // Nothing but what happened is written.
        bench.heartbeat = Duration::from_secs(5);
        let point = if append % 2 == 0 {
            CrashPoint::AfterWrite
        } else {
            CrashPoint::BeforeWrite
        };
        let journal = Arc::new(CrashingJournal::at(bench.journal.clone(), append, point));
        let ended = bench.run_on(journal.clone(), &bench.plan()).await;
        clock.advance(LEASE);
        let report = bench.run(&bench.plan()).await;
        assert_eq!(
            report.outcome,
            RunOutcome::Completed,
            "append {append}: {report:#?}"
        );
        assert_eq!(bench.world.entry().ns, OURS, "append {append}");
        assert_eq!(bench.world.entry().ds.len(), 1, "append {append}");
        assert_eq!(journal.is_dead(), ended.is_err(), "{append}: {ended:?}");
        journal.is_dead()
    })
    .await;
    assert!(appends > 10, "{appends}");
}

#[tokio::test]
async fn giving_back_that_was_killed_is_ended() {
    let calls = everywhere(async |call| {
        let (mut bench, clock) = bench(RegistrarVendor::Porkbun, Before::Signed).await;
        let before = bench.world.entry();
        let watch = Watch::start(&bench.world.domain, bench.world.probe());
        let report = bench.run(&bench.plan()).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "{report:#?}");
        let plan = bench.restore(bench.snapshot().await);
        let died = killed_at(&mut bench, &clock, &plan, call).await;
        let report = bench.run(&plan).await;
        assert_eq!(report.outcome, RunOutcome::Completed, "call {call}: {report:#?}");
        let (old, ours) = bench.keys().await;
        watch.assert_unbroken(&old, &ours).await;
        let after = bench.world.entry();
        assert_eq!(after.ns, before.ns, "call {call}");
        assert_eq!(after.ds[0].rdata(), before.ds[0].rdata(), "call {call}");
        died
    })
    .await;
    assert!(calls > 3, "{calls}");
}

/// The roll-back was begun: whoever comes next ends it, and does not go forward.
#[tokio::test]
async fn a_roll_back_that_was_killed_is_ended() {
    let places = everywhere(async |place| {
        let (mut bench, clock) = bench(RegistrarVendor::Porkbun, Before::Signed).await;
        bench.patience.sick = 1;
        let before = bench.world.entry();
        let watch = Watch::start(&bench.world.domain, bench.world.probe());
        let process = Arc::new(CrashingJournal::on_demand(bench.journal.clone()));
        let (calls, mortal) = (Arc::new(AtomicUsize::new(0)), process.clone());
        bench.around = Some(Box::new(move |inner| {
            Arc::new(Mortal {
                inner,
                process: mortal.clone(),
                calls: calls.clone(),
                only_sets: true,
                // Two on the way there, keys off and name servers; from the third on it goes back.
                dies_at: 2 + place.div_ceil(2),
                after: place.is_multiple_of(2),
            })
        }));
        let plan = bench.plan();
        let breaks = async {
            bench.until(|entry| entry.ns == OURS).await;
            bench.break_ours().await;
        };
        let (ended, ()) = tokio::join!(bench.run_on(process.clone(), &plan), breaks);
        bench.around = None;
        clock.advance(LEASE);
        assert!(bench.told("roll_back").await, "place {place}: {ended:?}");
        if process.is_dead() {
            assert!(ended.is_err(), "{ended:?}");
            bench.world.sim.registry().take_seen();
            let report = bench.run(&plan).await;
            assert_eq!(report.outcome, RunOutcome::Failed, "place {place}: {report:#?}");
            let said = format!("{:?}", report.failures);
            assert!(said.contains("old delegation"), "place {place}: {said}");
            assert!(
                said.contains("names other servers"),
                "place {place}: why is still known: {said}"
            );
            let seen = bench.world.sim.registry().take_seen();
            let forward = seen
                .iter()
                .any(|request| request.body.contains("ns1.operator.example"));
            assert!(!forward, "place {place}: {seen:?}");
        }
        let (old, ours) = bench.keys().await;
        watch.assert_unbroken(&old, &ours).await;
        let after = bench.world.entry();
        assert_eq!(after.ns, OLD, "place {place}");
        assert_eq!(after.ds[0].rdata(), before.ds[0].rdata(), "place {place}");
        process.is_dead()
    })
    .await;
    assert_eq!(places, 4, "name servers and keys, before and after each");
}
