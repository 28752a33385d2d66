//! A journal in memory, for tests and dry runs. Nothing survives the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::event::{Event, EventKind, RunOutcome};
use sovereign_core::name::SovereignName;

use crate::clock::{Clock, TokioClock, later};
use crate::journal::{Direction, Entry, Journal, JournalError, Run, RunId};
use crate::lease::{Claim, Lease, WorkerId};
use crate::plan::Plan;
use crate::status::StatusBoard;

/// A [`Journal`] that keeps everything in memory.
#[derive(Debug)]
pub struct MemoryJournal {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sovereigns: BTreeMap<SovereignName, Record>,
    last_epoch: u64,
    last_run: u64,
}

#[derive(Debug, Default)]
struct Record {
    holder: Option<Holder>,
    last_seq: u64,
    runs: Vec<RunRecord>,
}

#[derive(Debug)]
struct Holder {
    worker: WorkerId,
    epoch: u64,
    until: Timestamp,
    ttl: Duration,
}

#[derive(Debug)]
struct RunRecord {
    run: Run,
    board: StatusBoard,
}

impl RunRecord {
    fn is_completed(&self) -> bool {
        let ended = self.run.events.iter().rev().find_map(|event| match &event.kind {
            EventKind::RunEnded { outcome } => Some(*outcome),
            _ => None,
        });
        ended == Some(RunOutcome::Completed)
    }
}

impl Default for MemoryJournal {
    fn default() -> Self {
        Self::with_clock(Arc::new(TokioClock::default()))
    }
}

impl MemoryJournal {
    /// An empty journal whose leases run by `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
        }
    }

    /// Every write is one move of a map, so a state left by a panicking thread is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The record the lease gives the right to write to.
    fn fenced(&mut self, lease: &Lease, now: Timestamp) -> Result<&mut Record, JournalError> {
        self.sovereigns
            .get_mut(&lease.sovereign)
            .filter(|record| {
                record.holder.as_ref().is_some_and(|holder| {
                    holder.worker == lease.worker && holder.epoch == lease.epoch && now < holder.until
                })
            })
            .ok_or_else(|| JournalError::LeaseLost {
                sovereign: lease.sovereign.clone(),
            })
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn claim(
        &self,
        sovereign: &SovereignName,
        worker: &WorkerId,
        ttl: Duration,
    ) -> Result<Claim, JournalError> {
        let now = self.clock.now();
        let mut state = self.state();
        let epoch = state.last_epoch + 1;
        let record = state.sovereigns.entry(sovereign.clone()).or_default();
        if let Some(holder) = &record.holder
            && holder.worker != *worker
            && now < holder.until
        {
            return Ok(Claim::Held {
                by: holder.worker.clone(),
                until: holder.until,
                lasts: holder.ttl,
            });
        }
        record.holder = Some(Holder {
            worker: worker.clone(),
            epoch,
            until: later(now, ttl),
            ttl,
        });
        state.last_epoch = epoch;
        Ok(Claim::Granted(Lease {
            sovereign: sovereign.clone(),
            worker: worker.clone(),
            epoch,
        }))
    }

    async fn end_lease(
        &self,
        sovereign: &SovereignName,
        by: &WorkerId,
        until: Timestamp,
    ) -> Result<(), JournalError> {
        if let Some(record) = self.state().sovereigns.get_mut(sovereign) {
            record
                .holder
                .take_if(|holder| holder.worker == *by && holder.until == until);
        }
        Ok(())
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), JournalError> {
        let now = self.clock.now();
        let mut state = self.state();
        if let Some(holder) = &mut state.fenced(lease, now)?.holder {
            holder.until = later(now, ttl);
            holder.ttl = ttl;
        }
        Ok(())
    }

    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        let now = self.clock.now();
        if let Ok(record) = self.state().fenced(lease, now) {
            record.holder = None;
        }
        Ok(())
    }

    async fn open_run(&self, lease: &Lease, plan: &Plan, direction: Direction) -> Result<Run, JournalError> {
        let now = self.clock.now();
        let mut state = self.state();
        let id = RunId(state.last_run + 1);
        let record = state.fenced(lease, now)?;
        if let Some(last) = record.runs.last()
            && last.run.direction == direction
            && last.run.plan.digest() == plan.digest()
            && !last.is_completed()
        {
            return Ok(last.run.clone());
        }
        let run = Run {
            id,
            plan: plan.clone(),
            direction,
            events: Vec::new(),
        };
        record.runs.push(RunRecord {
            run: run.clone(),
            board: StatusBoard::new(plan),
        });
        state.last_run = id.0;
        Ok(run)
    }

    async fn append(
        &self,
        lease: &Lease,
        run: RunId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Event>, JournalError> {
        let at = self.clock.now();
        let mut state = self.state();
        let record = state.fenced(lease, at)?;
        let Some(target) = record.runs.last_mut().filter(|last| last.run.id == run) else {
            return Err(JournalError::UnknownRun {
                sovereign: lease.sovereign.clone(),
                run,
            });
        };
        let mut board = target.board.clone();
        let mut events = Vec::with_capacity(entries.len());
        for (seq, entry) in (record.last_seq + 1..).zip(entries) {
            board
                .apply(entry.step.as_ref(), &entry.kind)
                .map_err(|source| JournalError::Illegal {
                    sovereign: lease.sovereign.clone(),
                    source,
                })?;
            events.push(Event {
                seq,
                at,
                step: entry.step.map(|step| step.to_string()),
                kind: entry.kind,
            });
        }
        target.board = board;
        target.run.events.extend(events.iter().cloned());
        record.last_seq = events.last().map_or(record.last_seq, |event| event.seq);
        Ok(events)
    }

    async fn last_run(&self, sovereign: &SovereignName) -> Result<Option<Run>, JournalError> {
        let state = self.state();
        let runs = state.sovereigns.get(sovereign).map(|record| &record.runs);
        Ok(runs.and_then(|runs| runs.last()).map(|last| last.run.clone()))
    }

    async fn last_run_towards(
        &self,
        sovereign: &SovereignName,
        direction: Direction,
    ) -> Result<Option<Run>, JournalError> {
        let state = self.state();
        Ok(state.sovereigns.get(sovereign).and_then(|record| {
            let mut latest_first = record.runs.iter().rev().map(|record| &record.run);
            latest_first.find(|run| run.direction == direction).cloned()
        }))
    }

    async fn events(
        &self,
        sovereign: &SovereignName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let state = self.state();
        let runs = state
            .sovereigns
            .get(sovereign)
            .map(|record| record.runs.as_slice());
        let events = runs
            .unwrap_or_default()
            .iter()
            .flat_map(|record| &record.run.events);
        Ok(events
            .filter(|event| event.seq > after)
            .take(limit)
            .cloned()
            .collect())
    }

    async fn sovereigns(&self) -> Result<Vec<SovereignName>, JournalError> {
        let state = self.state();
        let known = state
            .sovereigns
            .iter()
            .filter(|(_, record)| !record.runs.is_empty());
        Ok(known.map(|(name, _)| name.clone()).collect())
    }

    async fn forget(&self, lease: &Lease) -> Result<(), JournalError> {
        let now = self.clock.now();
        let mut state = self.state();
        state.fenced(lease, now)?;
        state.sovereigns.remove(&lease.sovereign);
        Ok(())
    }
}
