//! One worker's work on one run, from the first step to the last.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use sovereign_core::event::{EventKind, RunOutcome};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::executor::attempt::{Attempt, Ended, Flights, Landing};
use crate::executor::graph::Graph;
use crate::executor::past::Past;
use crate::executor::recorder::Recorder;
use crate::executor::waits::{WaitBoard, whole_millis};
use crate::executor::{Executor, ExecutorError, Report};
use crate::journal::{Direction, RunId};
use crate::plan::{Plan, PlannedStep, StepName};
use crate::registry::ErasedStep;
use crate::status::StepStatus;
use crate::step::{Parts, StepError};

/// One step as this worker knows it.
#[derive(Debug)]
struct Seat<S> {
    step: Arc<dyn ErasedStep<S>>,
    /// Attempts in the run, of all workers.
    attempts: u32,
    /// Attempts of this worker.
    tries: u32,
    /// When this worker first tried.
    first: Instant,
    /// The last attempt may have had an effect that nobody recorded.
    unsettled: bool,
}

/// What woke the session.
enum Wake {
    Lost,
    Cancelled,
    Landed(usize, Landing),
    Told,
    Rested,
    Silent,
    GraceOver,
}

pub(super) struct Session<'a, S> {
    executor: &'a Executor<S>,
    run: RunId,
    plan: &'a Plan,
    direction: Direction,
    graph: Graph,
    seats: Vec<Seat<S>>,
    outputs: BTreeMap<StepName, Arc<Value>>,
    parts: BTreeMap<StepName, Parts>,
    recorder: Recorder,
    ready: BTreeSet<usize>,
    resting: BTreeSet<(Instant, usize)>,
    flights: Flights,
    waits: Arc<WaitBoard>,
    /// What the steps see: cancelled with the run, or when the session ends.
    stop: CancellationToken,
    /// Set by a cancel: when the steps in flight are dropped.
    grace_ends: Option<Instant>,
}

impl<'a, S: Send + Sync + 'static> Session<'a, S> {
    pub(super) fn new(
        executor: &'a Executor<S>,
        plan: &'a Plan,
        direction: Direction,
        mut graph: Graph,
        steps: Vec<Arc<dyn ErasedStep<S>>>,
        past: Past,
        recorder: Recorder,
    ) -> Self {
        let status = |index: &usize| recorder.board().status(&plan.steps[*index].name);
        let done = |index: &usize| matches!(status(index), StepStatus::Succeeded | StepStatus::Undone);
        let ready = graph.begin((0..plan.steps.len()).filter(done));
        let seat = |(planned, step): (&PlannedStep, _)| Seat {
            step,
            attempts: past.attempts.get(&planned.name).copied().unwrap_or(0),
            tries: 0,
            first: Instant::now(),
            unsettled: past.unsettled.contains(&planned.name),
        };
        Self {
            seats: plan.steps.iter().zip(steps).map(seat).collect(),
            executor,
            run: past.run.id,
            plan,
            direction,
            graph,
            outputs: past.outputs,
            parts: past.parts,
            recorder,
            ready,
            resting: BTreeSet::new(),
            flights: Flights::default(),
            waits: Arc::default(),
            stop: CancellationToken::new(),
            grace_ends: None,
        }
    }

    /// Works until nothing more can be done. Nothing is in flight when it returns.
    pub(super) async fn run(
        mut self,
        cancel: CancellationToken,
        lost: &CancellationToken,
    ) -> Result<Report, ExecutorError> {
        let outcome = self.work(&cancel, lost).await;
        self.stop.cancel();
        self.flights.drop_all().await;
        let board = self.recorder.into_board();
        Ok(Report::new(self.run, self.plan, outcome?, board, self.outputs))
    }

    async fn work(
        &mut self,
        cancel: &CancellationToken,
        lost: &CancellationToken,
    ) -> Result<RunOutcome, ExecutorError> {
        self.recorder.run(EventKind::RunStarted {
            worker: self.recorder.worker().to_string(),
            steps: self.seats.len(),
        });
        loop {
            if cancel.is_cancelled() && self.grace_ends.is_none() {
                self.begin_stop();
            }
            let departing = self.depart();
            if departing.is_empty() && self.is_over() {
                return self.end().await;
            }
            self.recorder.flush().await?;
            self.waits.written();
            for step in departing {
                self.launch(step);
            }
            match self.wake(cancel, lost).await {
                Wake::Lost => return Err(self.recorder.lease_lost()),
                Wake::Cancelled => self.begin_stop(),
                Wake::Landed(step, landing) => {
                    self.land(step, landing);
                    while let Some((step, landing)) = self.flights.next_now() {
                        self.land(step, landing);
                    }
                }
                Wake::Told => self.take_parts(),
                Wake::Rested => self.rise(),
                Wake::Silent => self.recorder.run(self.waits.heartbeat()),
                Wake::GraceOver => {
                    for (step, landing) in self.flights.drop_all().await {
                        self.land(step, landing);
                    }
                }
            }
        }
    }

    async fn wake(&mut self, cancel: &CancellationToken, lost: &CancellationToken) -> Wake {
        let silent = self.recorder.wrote() + self.executor.config.heartbeat;
        let rested = self.resting.first().map(|(at, _)| *at);
        let stopping = self.grace_ends.is_some();
        tokio::select! {
            biased;
            () = lost.cancelled() => Wake::Lost,
            () = cancel.cancelled(), if !stopping => Wake::Cancelled,
            Some((step, landing)) = self.flights.next() => Wake::Landed(step, landing),
            () = self.waits.news() => Wake::Told,
            () = at(self.grace_ends) => Wake::GraceOver,
            () = at(rested) => Wake::Rested,
            () = sleep_until(silent) => Wake::Silent,
        }
    }

    /// Begins no more steps, and asks those in flight to end.
    fn begin_stop(&mut self) {
        self.grace_ends = Some(Instant::now() + self.executor.config.grace);
        self.stop.cancel();
        self.resting.clear();
    }

    /// Notes the intent of every step that can begin now.
    fn depart(&mut self) -> Vec<usize> {
        let mut departing = Vec::new();
        if self.grace_ends.is_some() {
            return departing;
        }
        while self.flights.len() + departing.len() < self.executor.config.max_parallel {
            let next = match self.direction {
                Direction::Up => self.ready.pop_first(),
                Direction::Undo => self.ready.pop_last(),
            };
            let Some(step) = next else { break };
            let seat = &mut self.seats[step];
            seat.attempts = seat.attempts.saturating_add(1);
            let attempt = seat.attempts;
            let kind = match self.direction {
                Direction::Up => EventKind::StepStarted { attempt },
                Direction::Undo => EventKind::UndoStarted { attempt },
            };
            self.note(step, kind);
            departing.push(step);
        }
        departing
    }

    fn launch(&mut self, step: usize) {
        let outputs = self.outputs_for(step);
        let name = &self.plan.steps[step].name;
        let seat = &mut self.seats[step];
        seat.tries = seat.tries.saturating_add(1);
        if seat.tries == 1 {
            seat.first = Instant::now();
        }
        self.waits.attempt(name, seat.attempts);
        let attempt = Attempt {
            step: Arc::clone(&seat.step),
            services: Arc::clone(&self.executor.services),
            name: name.clone(),
            direction: self.direction,
            unsettled: seat.unsettled,
            cancel: self.stop.clone(),
            outputs,
            parts: self.parts.get(name).cloned().unwrap_or_default(),
            waits: Arc::clone(&self.waits),
        };
        self.flights.launch(step, attempt);
    }

    /// Outputs of everything the step comes after. An undo sees none: it works from parameters and labels alone.
    fn outputs_for(&self, step: usize) -> BTreeMap<StepName, Arc<Value>> {
        if self.direction == Direction::Undo {
            return BTreeMap::new();
        }
        let names = self.graph.ancestors(step).into_iter();
        names
            .map(|ancestor| &self.plan.steps[ancestor].name)
            .filter_map(|name| Some((name.clone(), Arc::clone(self.outputs.get(name)?))))
            .collect()
    }

    fn land(&mut self, step: usize, landing: Landing) {
        self.waits.end(&self.plan.steps[step].name);
        // What the step told before its end stands before its end.
        self.take_parts();
        match landing {
            Landing::Ended(ended) => self.land_ended(step, ended),
            Landing::Panicked(message) => self.fail(
                step,
                format!("the step panicked: {message}"),
                "this is a defect: please report it with the journal, then run again".into(),
            ),
            Landing::Dropped => {}
        }
    }

    fn take_parts(&mut self) {
        for (step, part) in self.waits.parts() {
            let parts = self.parts.entry(step.clone()).or_default();
            parts.insert(part.name.clone(), part.state.clone());
            self.recorder.step(&step, EventKind::SubStep(part));
        }
    }

    fn land_ended(&mut self, step: usize, Ended { result, looked }: Ended) {
        let seat = &mut self.seats[step];
        seat.unsettled &= !looked;
        match result {
            Ok(done) => {
                if self.direction == Direction::Up {
                    let output = Arc::new(done.output.clone());
                    self.outputs.insert(self.plan.steps[step].name.clone(), output);
                }
                let kind = match self.direction {
                    Direction::Up => EventKind::StepSucceeded {
                        found: done.found,
                        output: done.output,
                    },
                    Direction::Undo => EventKind::UndoSucceeded,
                };
                self.note(step, kind);
                self.ready.extend(self.graph.settle(step));
            }
            Err(StepError::Retry {
                cause,
                after,
                unsettled,
            }) => {
                seat.unsettled |= unsettled;
                self.retry(step, cause, after);
            }
            Err(StepError::Cancelled) => {
                seat.unsettled = true;
                self.retry(step, "the step stopped without being asked to".into(), None);
            }
            Err(StepError::Hold { reason, instructions }) => self.hold(step, reason, instructions),
            Err(StepError::Fatal { cause, remedy }) => self.fail(step, cause, remedy),
        }
    }

    /// Rests before the next attempt, or gives up when that would begin past the step's deadline. A run that is asked to stop
    /// leaves the step as it stands: begun, and to be gone on with.
    fn retry(&mut self, step: usize, cause: String, after: Option<Duration>) {
        if self.stop.is_cancelled() {
            return;
        }
        let seat = &self.seats[step];
        let rest = self.executor.config.retry.wait(seat.tries, after);
        let deadline = seat.step.deadline();
        if seat.first.elapsed().saturating_add(rest) > deadline {
            let cause = format!(
                "{cause} (attempt {}, {} s allowed)",
                seat.tries,
                deadline.as_secs()
            );
            return self.fail(
                step,
                cause,
                "remove the cause, then run again: what is done is kept".into(),
            );
        }
        self.waits.resting(&self.plan.steps[step].name, rest, &cause);
        self.resting.insert((Instant::now() + rest, step));
        let after_ms = whole_millis(rest);
        let kind = match self.direction {
            Direction::Up => EventKind::StepRetrying { cause, after_ms },
            Direction::Undo => EventKind::UndoRetrying { cause, after_ms },
        };
        self.note(step, kind);
    }

    /// Towards undo there is nothing to park for: what cannot be removed now has failed, and is tried by the next run.
    fn hold(&mut self, step: usize, reason: String, instructions: String) {
        match self.direction {
            Direction::Up => self.note(step, EventKind::StepHeld { reason, instructions }),
            Direction::Undo => self.fail(step, reason, instructions),
        }
    }

    fn fail(&mut self, step: usize, cause: String, remedy: String) {
        let kind = match self.direction {
            Direction::Up => EventKind::StepFailed { cause, remedy },
            Direction::Undo => EventKind::UndoFailed { cause, remedy },
        };
        self.note(step, kind);
    }

    /// Makes every step ready that has rested.
    fn rise(&mut self) {
        let now = Instant::now();
        while let Some((at, step)) = self.resting.first().copied()
            && at <= now
        {
            self.resting.pop_first();
            self.ready.insert(step);
        }
    }

    fn is_over(&self) -> bool {
        let idle = self.ready.is_empty() && self.resting.is_empty();
        self.flights.len() == 0 && (idle || self.grace_ends.is_some())
    }

    async fn end(&mut self) -> Result<RunOutcome, ExecutorError> {
        let outcome = self.outcome();
        self.recorder.run(EventKind::RunEnded { outcome });
        self.recorder.flush().await?;
        Ok(outcome)
    }

    fn outcome(&self) -> RunOutcome {
        if self.graph.is_done() {
            return RunOutcome::Completed;
        }
        if self.grace_ends.is_some() {
            return RunOutcome::Cancelled;
        }
        let statuses = self.recorder.board_ahead().into_statuses();
        let failed =
            |status: &StepStatus| matches!(status, StepStatus::Failed { .. } | StepStatus::UndoFailed { .. });
        if statuses.values().any(failed) {
            RunOutcome::Failed
        } else {
            RunOutcome::Held
        }
    }

    fn note(&mut self, step: usize, kind: EventKind) {
        self.recorder.step(&self.plan.steps[step].name, kind);
    }
}

/// Waits until a moment; for ever if there is none.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
