//! A world, a journal and processes that work on them.

use std::sync::Arc;
use std::time::Duration;

use sovereign_core::event::{Event, EventKind};
use sovereign_engine::clock::ManualClock;
use sovereign_engine::executor::{Executor, ExecutorConfig, ExecutorError, Report};
use sovereign_engine::journal::memory::MemoryJournal;
use sovereign_engine::journal::{Direction, Journal};
use sovereign_engine::lease::WorkerId;
use sovereign_engine::plan::{Plan, StepName};
use sovereign_engine::status::StepStatus;
use sovereign_engine::testing::world::{self, Process, World};
use tokio_util::sync::CancellationToken;

pub(crate) struct Bench {
    pub(crate) world: Arc<World>,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) plan: Plan,
    pub(crate) config: ExecutorConfig,
    pub(crate) cancel: CancellationToken,
}

impl Bench {
    /// A bench whose leases run by tokio's clock.
    pub(crate) fn new(things: &[(&str, &[&str])]) -> Self {
        Self {
            world: Arc::default(),
            journal: Arc::new(MemoryJournal::default()),
            plan: world::plan("acme", things),
            config: ExecutorConfig::default(),
            cancel: CancellationToken::new(),
        }
    }

    /// A bench whose leases run out by hand.
    pub(crate) fn with_clock(things: &[(&str, &[&str])]) -> (Self, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        let journal = Arc::new(MemoryJournal::with_clock(clock.clone()));
        let bench = Self {
            journal,
            ..Self::new(things)
        };
        (bench, clock)
    }

    /// A worker of its own process on a journal.
    pub(crate) async fn work(
        &self,
        worker: &str,
        journal: Arc<dyn Journal>,
        process: Arc<Process>,
        direction: Direction,
    ) -> Result<Report, ExecutorError> {
        let registry = Arc::new(world::registry());
        Executor::new(journal, registry, process, self.config)
            .run(WorkerId::new(worker), &self.plan, direction, self.cancel.clone())
            .await
    }

    pub(crate) fn process(&self) -> Arc<Process> {
        Arc::new(Process::new(self.world.clone()))
    }

    pub(crate) async fn try_run(&self, direction: Direction) -> Result<Report, ExecutorError> {
        self.work("worker", self.journal.clone(), self.process(), direction)
            .await
    }

    pub(crate) async fn up(&self) -> Report {
        self.try_run(Direction::Up).await.expect("the run ends by itself")
    }

    pub(crate) async fn undo(&self) -> Report {
        self.try_run(Direction::Undo)
            .await
            .expect("the run ends by itself")
    }

    /// Cancels from outside after some time.
    pub(crate) async fn cancel_after(&self, time: Duration) {
        tokio::time::sleep(time).await;
        self.cancel.cancel();
    }

    pub(crate) async fn events(&self) -> Vec<Event> {
        let events = self.journal.events(&self.plan.sovereign, 0, usize::MAX).await;
        events.expect("the events are read")
    }

    /// The events as one word each, without heartbeats: `started a`, `succeeded a`, `ended Completed`.
    pub(crate) async fn story(&self) -> Vec<String> {
        self.events().await.iter().filter_map(word).collect()
    }
}

fn word(event: &Event) -> Option<String> {
    let step = event.step.as_deref().unwrap_or("run");
    Some(match &event.kind {
        EventKind::Heartbeat { .. } => return None,
        EventKind::RunStarted { .. } => "run".to_owned(),
        EventKind::RunEnded { outcome } => format!("ended {outcome:?}"),
        EventKind::StepStarted { attempt: 1 } => format!("started {step}"),
        EventKind::StepStarted { attempt } => format!("started {step} ({attempt})"),
        EventKind::StepRetrying { .. } => format!("retrying {step}"),
        EventKind::StepSucceeded { found: true, .. } => format!("found {step}"),
        EventKind::StepSucceeded { found: false, .. } => format!("succeeded {step}"),
        EventKind::StepFailed { .. } => format!("failed {step}"),
        EventKind::StepHeld { .. } => format!("held {step}"),
        EventKind::UndoStarted { attempt: 1 } => format!("undoing {step}"),
        EventKind::UndoStarted { attempt } => format!("undoing {step} ({attempt})"),
        EventKind::UndoRetrying { .. } => format!("retrying undo {step}"),
        EventKind::UndoSucceeded => format!("undone {step}"),
        EventKind::UndoFailed { .. } => format!("undo failed {step}"),
        EventKind::SubStep(part) => format!("part of {step}: {}", part.name),
        EventKind::Note { message } => format!("note {step}: {message}"),
    })
}

pub(crate) fn status<'a>(report: &'a Report, step: &str) -> &'a StepStatus {
    &report.statuses[&StepName::new(step)]
}
