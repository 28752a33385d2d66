//! Writes a run down, and knows where its steps stand.

use std::sync::Arc;

use sovereign_core::event::EventKind;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::executor::ExecutorError;
use crate::journal::{Entry, Journal, RunId};
use crate::lease::{Lease, WorkerId};
use crate::plan::StepName;
use crate::status::StatusBoard;

/// The executor's only way to the journal while a run is at work.
#[derive(Debug)]
pub(super) struct Recorder {
    journal: Arc<dyn Journal>,
    lease: Lease,
    run: RunId,
    lost: CancellationToken,
    board: StatusBoard,
    unwritten: Vec<Entry>,
    wrote: Instant,
}

impl Recorder {
    pub(super) fn new(
        journal: Arc<dyn Journal>,
        lease: Lease,
        run: RunId,
        lost: CancellationToken,
        board: StatusBoard,
    ) -> Self {
        Self {
            journal,
            lease,
            run,
            lost,
            board,
            unwritten: Vec::new(),
            wrote: Instant::now(),
        }
    }

    /// Where the steps stand by what is durable.
    pub(super) fn board(&self) -> &StatusBoard {
        &self.board
    }

    /// Where the steps will stand once everything noted is durable.
    pub(super) fn board_ahead(&self) -> StatusBoard {
        let mut board = self.board.clone();
        for entry in &self.unwritten {
            // An entry that cannot follow is refused, and the run with it, when it is written.
            let _ = board.apply(entry.step.as_ref(), &entry.kind);
        }
        board
    }

    /// The worker that writes.
    pub(super) fn worker(&self) -> &WorkerId {
        &self.lease.worker
    }

    /// When something was written last.
    pub(super) fn wrote(&self) -> Instant {
        self.wrote
    }

    /// Notes something about a step for the next [`Recorder::flush`].
    pub(super) fn step(&mut self, step: &StepName, kind: EventKind) {
        self.unwritten.push(Entry {
            step: Some(step.clone()),
            kind,
        });
    }

    /// Notes something about the run for the next [`Recorder::flush`].
    pub(super) fn run(&mut self, kind: EventKind) {
        self.unwritten.push(Entry { step: None, kind });
    }

    /// Makes everything noted durable, in one append. Gives up as soon as the lease is lost.
    pub(super) async fn flush(&mut self) -> Result<(), ExecutorError> {
        if self.unwritten.is_empty() {
            return Ok(());
        }
        let entries = std::mem::take(&mut self.unwritten);
        let append = self.journal.append(&self.lease, self.run, entries);
        let events = tokio::select! {
            biased;
            () = self.lost.cancelled() => return Err(self.lease_lost()),
            events = append => events.map_err(|error| ExecutorError::journal(&self.lease.sovereign, error))?,
        };
        for event in events {
            let step = event.step.map(StepName::new);
            self.board
                .apply(step.as_ref(), &event.kind)
                .map_err(|source| ExecutorError::Replay {
                    sovereign: self.lease.sovereign.clone(),
                    run: self.run,
                    source,
                })?;
        }
        self.wrote = Instant::now();
        Ok(())
    }

    /// The error of a run whose lease is lost.
    pub(super) fn lease_lost(&self) -> ExecutorError {
        ExecutorError::LeaseLost {
            sovereign: self.lease.sovereign.clone(),
        }
    }

    /// The final board.
    pub(super) fn into_board(self) -> StatusBoard {
        self.board
    }
}
