//! Runs a plan, or undoes it, and makes no choices.
//!
//! One task owns the run: it alone writes to the journal, so everything that became known at the same time is one append.
//! Each attempt at a step is a task of a set that ends with the run.

mod attempt;
mod graph;
mod lease_keeper;
mod past;
mod recorder;
mod report;
mod retry;
mod session;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use thiserror::Error;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

pub use report::{Report, StepFailure, StepHold};
pub use retry::RetryPolicy;

use crate::executor::graph::Graph;
use crate::executor::lease_keeper::LeaseKeeper;
use crate::executor::past::Past;
use crate::executor::recorder::Recorder;
use crate::executor::session::Session;
use crate::journal::{Direction, Journal, JournalError, RunId};
use crate::lease::{Claim, Lease, WorkerId};
use crate::plan::{Plan, StepName};
use crate::registry::{ErasedStep, RegistryError, StepRegistry};
use crate::status::IllegalTransition;
use crate::step::chain;

/// The longest silence in a journal while a run is at work.
const LONGEST_SILENCE: Duration = Duration::from_secs(5);

/// How an [`Executor`] works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExecutorConfig {
    /// Life of the lease; it is renewed every third of it.
    pub lease_ttl: Duration,
    /// Longest time without an event while a run is at work; more than 5 s is taken as 5 s.
    pub heartbeat: Duration,
    /// Waits between attempts.
    pub retry: RetryPolicy,
    /// Attempts in flight at once; 0 is taken as 1.
    pub max_parallel: usize,
    /// Time that steps have to end by themselves after a cancel, before they are dropped.
    pub grace: Duration,
}

impl Default for ExecutorConfig {
    fn default() -> Self {
        Self {
            lease_ttl: Duration::from_secs(15),
            heartbeat: Duration::from_secs(2),
            retry: RetryPolicy::default(),
            max_parallel: 1024,
            grace: Duration::from_secs(2),
        }
    }
}

/// Why a run stopped without an outcome. Whatever the journal holds stays resumable.
#[derive(Debug, Error)]
pub enum ExecutorError {
    /// A step of the plan has the name of one before it, or comes after a step that does not stand before it.
    #[error(
        "step `{step}` is out of place: its name is taken, or it comes after a step that is not before it"
    )]
    Malformed {
        /// The step.
        step: StepName,
    },
    /// Steps that this version cannot run; nothing was begun.
    #[error("the plan cannot be run: {}", list(problems))]
    Unrunnable {
        /// One for each such step, in the order of the plan.
        problems: Vec<RegistryError>,
    },
    /// Another worker is at work on the Sovereign.
    #[error("`{sovereign}` is held by worker `{by}` until {until}")]
    Held {
        /// The Sovereign.
        sovereign: SovereignName,
        /// The holder.
        by: WorkerId,
        /// When its lease ends unless renewed.
        until: Timestamp,
    },
    /// The lease went to another worker, or could not be renewed in time. Everything in flight was dropped.
    #[error("the lease on `{sovereign}` is lost, so this worker stopped; another may go on")]
    LeaseLost {
        /// The Sovereign.
        sovereign: SovereignName,
    },
    /// The journal failed. Everything in flight was dropped.
    #[error("work on `{sovereign}` stopped because its journal failed")]
    Journal {
        /// The Sovereign.
        sovereign: SovereignName,
        /// Why.
        #[source]
        source: JournalError,
    },
    /// The journal holds events that cannot follow each other.
    #[error("run {} of `{sovereign}` cannot be replayed", run.0)]
    Replay {
        /// The Sovereign.
        sovereign: SovereignName,
        /// The run.
        run: RunId,
        /// Why.
        #[source]
        source: IllegalTransition,
    },
}

impl ExecutorError {
    fn journal(sovereign: &SovereignName, error: JournalError) -> Self {
        let sovereign = sovereign.clone();
        match error {
            JournalError::LeaseLost { .. } => Self::LeaseLost { sovereign },
            source => Self::Journal { sovereign, source },
        }
    }
}

fn list(problems: &[RegistryError]) -> String {
    let texts: Vec<String> = problems.iter().map(|problem| chain(problem)).collect();
    texts.join("; ")
}

/// Runs plans over one set of services.
#[derive(Debug)]
pub struct Executor<S> {
    journal: Arc<dyn Journal>,
    registry: Arc<StepRegistry<S>>,
    services: Arc<S>,
    config: ExecutorConfig,
}

impl<S: Send + Sync + 'static> Executor<S> {
    /// An executor that works with `services` and writes to `journal`.
    pub fn new(
        journal: Arc<dyn Journal>,
        registry: Arc<StepRegistry<S>>,
        services: Arc<S>,
        config: ExecutorConfig,
    ) -> Self {
        let config = ExecutorConfig {
            heartbeat: config.heartbeat.min(LONGEST_SILENCE),
            max_parallel: config.max_parallel.max(1),
            ..config
        };
        Self {
            journal,
            registry,
            services,
            config,
        }
    }

    /// Runs `plan` towards `direction` until nothing more can be done, and goes on where an earlier worker stopped.
    ///
    /// Steps that failed or are held are tried again once. The lease is given back in every case in which it is not lost; if the returned future is
    /// dropped instead, every step in flight is dropped with it and the lease runs out by itself.
    pub async fn run(
        &self,
        worker: WorkerId,
        plan: &Plan,
        direction: Direction,
        cancel: CancellationToken,
    ) -> Result<Report, ExecutorError> {
        let graph = Graph::new(plan, direction)?;
        let steps = self.decode(plan)?;
        let asked = Instant::now();
        let lease = self.claim(plan, &worker).await?;
        let ttl = self.config.lease_ttl;
        let keeper = LeaseKeeper::start(Arc::clone(&self.journal), lease.clone(), ttl, asked);
        let report = self
            .run_leased(plan, direction, graph, steps, &lease, &keeper, cancel)
            .await;
        if !keeper.lost().is_cancelled() {
            drop(keeper);
            self.release(&lease).await;
        }
        report
    }

    /// Every step of the plan as code, or all that have none.
    fn decode(&self, plan: &Plan) -> Result<Vec<Arc<dyn ErasedStep<S>>>, ExecutorError> {
        let mut steps = Vec::with_capacity(plan.steps.len());
        let mut problems = Vec::new();
        for planned in &plan.steps {
            match self.registry.decode(planned) {
                Ok(step) => steps.push(Arc::from(step)),
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() {
            Ok(steps)
        } else {
            Err(ExecutorError::Unrunnable { problems })
        }
    }

    async fn claim(&self, plan: &Plan, worker: &WorkerId) -> Result<Lease, ExecutorError> {
        let sovereign = &plan.sovereign;
        let claim = self.journal.claim(sovereign, worker, self.config.lease_ttl).await;
        match claim.map_err(|error| ExecutorError::journal(sovereign, error))? {
            Claim::Granted(lease) => Ok(lease),
            Claim::Held { by, until, .. } => Err(ExecutorError::Held {
                sovereign: sovereign.clone(),
                by,
                until,
            }),
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the parts of one run, made ready by `run`"
    )]
    async fn run_leased(
        &self,
        plan: &Plan,
        direction: Direction,
        graph: Graph,
        steps: Vec<Arc<dyn ErasedStep<S>>>,
        lease: &Lease,
        keeper: &LeaseKeeper,
        cancel: CancellationToken,
    ) -> Result<Report, ExecutorError> {
        let lost = || ExecutorError::LeaseLost {
            sovereign: lease.sovereign.clone(),
        };
        let mut past = tokio::select! {
            biased;
            () = keeper.lost().cancelled() => return Err(lost()),
            past = Past::open(&*self.journal, lease, plan, direction) => past?,
        };
        let recorder = Recorder::new(
            Arc::clone(&self.journal),
            lease.clone(),
            past.run.id,
            keeper.lost().clone(),
            std::mem::take(&mut past.board),
        );
        Session::new(self, plan, direction, graph, steps, past, recorder)
            .run(cancel, keeper.lost())
            .await
    }

    async fn release(&self, lease: &Lease) {
        let released = timeout(self.config.lease_ttl, self.journal.release(lease)).await;
        if !matches!(released, Ok(Ok(()))) {
            tracing::warn!(sovereign = %lease.sovereign, "the lease was not given back and has to run out");
        }
    }
}
