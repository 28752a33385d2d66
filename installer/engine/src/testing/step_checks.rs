//! What every family of steps must withstand, checked over a real plan in a world that can be counted.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sovereign_core::event::RunOutcome;
use tokio_util::sync::CancellationToken;

use crate::clock::ManualClock;
use crate::executor::{Executor, ExecutorConfig, ExecutorError, Report};
use crate::journal::memory::MemoryJournal;
use crate::journal::{Direction, Journal};
use crate::lease::WorkerId;
use crate::plan::Plan;
use crate::registry::StepRegistry;
use crate::testing::fault::Fault;
use crate::testing::{CrashPoint, CrashingJournal};

/// One empty world, a plan that fills it and the steps that know how.
#[async_trait]
pub trait StepBench: Send + Sync {
    /// What the steps work with.
    type Services: Send + Sync + 'static;

    /// The kinds of steps.
    fn registry(&self) -> StepRegistry<Self::Services>;

    /// The plan; the same for every bench of a check.
    fn plan(&self) -> Plan;

    /// Services on this bench's world as a new process makes them: nothing is remembered from an earlier call.
    async fn services(&self) -> Arc<Self::Services>;

    /// One line for each thing in the world that the plan can make, without what the world chose by itself (ids, times), so
    /// that two worlds filled by the same plan read the same. Empty if there is nothing.
    async fn world(&self) -> Vec<String>;

    /// How the executor works during the checks.
    fn config(&self) -> ExecutorConfig {
        ExecutorConfig::default()
    }
}

/// Runs all four checks; `make` gives a bench over a fresh, empty world each time. Panics at the first broken promise.
pub async fn step_checks<B: StepBench>(make: impl AsyncFn() -> B) {
    apply_twice(&make).await;
    crash_and_resume(&make).await;
    fail_and_undo(&make).await;
    fail_and_undo_twice(&make).await;
}

/// Every step applied twice, and the whole plan run twice, leave the same world as once.
pub async fn apply_twice<B: StepBench>(make: &impl AsyncFn() -> B) {
    let wanted = reference(make).await;
    let desk = Desk::new(make().await);
    desk.up(Some(Fault::ApplyTwice)).await;
    assert_eq!(
        desk.world().await,
        wanted,
        "the world after every step was applied twice"
    );
    desk.up(None).await;
    assert_eq!(
        desk.world().await,
        wanted,
        "the world after the plan was run twice"
    );
}

/// The process dies before and after each append, up and towards undo; the next one ends where an undisturbed run ends.
pub async fn crash_and_resume<B: StepBench>(make: &impl AsyncFn() -> B) {
    let wanted = reference(make).await;
    for direction in [Direction::Up, Direction::Undo] {
        for point in [CrashPoint::BeforeWrite, CrashPoint::AfterWrite] {
            for append in 1.. {
                let desk = Desk::new(make().await);
                if direction == Direction::Undo {
                    desk.up(None).await;
                }
                if !desk.crash(direction, append, point).await {
                    break;
                }
                desk.completes(direction, None).await;
                let world = desk.world().await;
                let wanted = if direction == Direction::Up { &*wanted } else { &[] };
                assert_eq!(
                    world, wanted,
                    "the world after a crash at append {append} ({point:?}, {direction:?}) and a resume"
                );
            }
        }
    }
}

/// Each step fails, before and after its effect; undo leaves nothing.
pub async fn fail_and_undo<B: StepBench>(make: &impl AsyncFn() -> B) {
    fail_and_undo_with(make, None).await;
}

/// Each step fails, before and after its effect; undo with every step undone twice leaves nothing.
pub async fn fail_and_undo_twice<B: StepBench>(make: &impl AsyncFn() -> B) {
    fail_and_undo_with(make, Some(Fault::UndoTwice)).await;
}

async fn fail_and_undo_with<B: StepBench>(make: &impl AsyncFn() -> B, undo: Option<Fault>) {
    let desk = Desk::new(make().await);
    desk.completes(Direction::Undo, undo.clone()).await;
    assert_eq!(desk.world().await, [""; 0], "undo in an empty world");
    desk.up(None).await;
    desk.completes(Direction::Undo, undo.clone()).await;
    assert_eq!(desk.world().await, [""; 0], "undo of the whole plan");
    for step in desk.plan.steps {
        let name = step.name;
        for fault in [
            Fault::FailBeforeApply(name.clone()),
            Fault::FailAfterApply(name.clone()),
        ] {
            let desk = Desk::new(make().await);
            let report = desk.run(Direction::Up, Some(fault.clone())).await;
            let report = report.expect("a run with a failing step ends by itself");
            assert_eq!(report.outcome, RunOutcome::Failed, "{fault:?}: {report:?}");
            assert!(report.failures.iter().any(|failure| failure.step == name));
            desk.completes(Direction::Undo, undo.clone()).await;
            assert_eq!(desk.world().await, [""; 0], "undo after {fault:?}");
        }
    }
}

/// The world of an undisturbed run.
async fn reference<B: StepBench>(make: &impl AsyncFn() -> B) -> Vec<String> {
    let desk = Desk::new(make().await);
    assert_eq!(desk.world().await, [""; 0], "the world of a new bench");
    desk.up(None).await;
    let world = desk.world().await;
    assert!(!world.is_empty(), "the plan makes something that can be seen");
    world
}

/// A bench with its journal; every run is a new process.
struct Desk<B> {
    bench: B,
    plan: Plan,
    clock: Arc<ManualClock>,
    journal: Arc<dyn Journal>,
}

impl<B: StepBench> Desk<B> {
    fn new(bench: B) -> Self {
        let clock = Arc::new(ManualClock::default());
        let journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
        Self {
            plan: bench.plan(),
            bench,
            clock,
            journal,
        }
    }

    async fn world(&self) -> Vec<String> {
        let mut world = self.bench.world().await;
        world.sort();
        world
    }

    async fn run_on(
        &self,
        journal: Arc<dyn Journal>,
        direction: Direction,
        fault: Option<Fault>,
    ) -> Result<Report, ExecutorError> {
        let registry = self.bench.registry().with_fault(fault);
        let services = self.bench.services().await;
        let config = self.bench.config();
        let worker = WorkerId::new(uuid::Uuid::new_v4().to_string());
        Executor::new(journal, Arc::new(registry), services, config)
            .run(worker, &self.plan, direction, CancellationToken::new())
            .await
    }

    async fn run(&self, direction: Direction, fault: Option<Fault>) -> Result<Report, ExecutorError> {
        self.run_on(Arc::clone(&self.journal), direction, fault).await
    }

    async fn completes(&self, direction: Direction, fault: Option<Fault>) {
        let report = self.run(direction, fault.clone()).await;
        let report = report.expect("an undisturbed run ends by itself");
        assert_eq!(
            report.outcome,
            RunOutcome::Completed,
            "{direction:?} with {fault:?}: {report:#?}"
        );
    }

    async fn up(&self, fault: Option<Fault>) {
        self.completes(Direction::Up, fault).await;
    }

    /// Runs until the journal dies at that append and lets the dead worker's lease run out. False if it never got there.
    async fn crash(&self, direction: Direction, append: usize, point: CrashPoint) -> bool {
        let journal = Arc::new(CrashingJournal::at(Arc::clone(&self.journal), append, point));
        let report = self.run_on(journal.clone(), direction, None).await;
        if journal.is_dead() {
            assert!(report.is_err(), "a worker without a journal stops: {report:?}");
            self.clock
                .advance(self.bench.config().lease_ttl + Duration::from_secs(1));
        }
        journal.is_dead()
    }
}
