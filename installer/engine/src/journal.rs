//! The only truth about progress: append-only, fenced by a lease, one sequence per Sovereign.

pub mod memory;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sovereign_core::event::{Event, EventKind};
use sovereign_core::name::SovereignName;
use thiserror::Error;

use crate::lease::{Claim, Lease, WorkerId};
use crate::plan::{Plan, StepName};
use crate::status::IllegalTransition;

/// Which way a plan is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// Find or apply every step.
    Up,
    /// Undo every step, last first.
    Undo,
}

/// Number of a run of a plan, unique in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

/// One run of a plan with all that was written about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// The plan, byte for byte as approved.
    pub plan: Plan,
    /// Which way it is run.
    pub direction: Direction,
    /// What happened, in the order of `seq`.
    pub events: Vec<Event>,
}

/// One thing to write down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The step it concerns; `None` for the run as a whole.
    pub step: Option<StepName>,
    /// What happened.
    pub kind: EventKind,
}

/// Why the journal refused or could not answer.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The lease was lost to another worker or ran out. The worker stops at once.
    #[error("the lease on `{sovereign}` is lost")]
    LeaseLost {
        /// The Sovereign.
        sovereign: SovereignName,
    },
    /// An entry that cannot follow what is written.
    #[error("the journal of `{sovereign}` refuses an entry")]
    Illegal {
        /// The Sovereign.
        sovereign: SovereignName,
        /// Why.
        #[source]
        source: IllegalTransition,
    },
    /// The run is not in the journal.
    #[error("run {} of `{sovereign}` is not in the journal", run.0)]
    UnknownRun {
        /// The Sovereign.
        sovereign: SovereignName,
        /// The number asked for.
        run: RunId,
    },
    /// The storage behind the journal failed. Nothing was written.
    #[error("the journal could not {action}")]
    Storage {
        /// What it was asked to do, for example `append an entry`.
        action: &'static str,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// An append-only record of runs. Every method is durable when it returns.
#[async_trait]
pub trait Journal: fmt::Debug + Send + Sync {
    /// Claims a Sovereign for `ttl`: granted if nobody holds it, the holder's lease ran out, or the worker holds it already.
    async fn claim(
        &self,
        sovereign: &SovereignName,
        worker: &WorkerId,
        ttl: Duration,
    ) -> Result<Claim, JournalError>;

    /// Ends the lease of a holder that was watched for as long as it lasts and did not renew it: `until` may be far off, set by a
    /// clock that was ahead. Nothing happens if the holder or `until` is another meanwhile.
    async fn end_lease(
        &self,
        sovereign: &SovereignName,
        by: &WorkerId,
        until: Timestamp,
    ) -> Result<(), JournalError>;

    /// Holds on to a lease for another `ttl`.
    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), JournalError>;

    /// Gives a lease back. A lease already lost is no error.
    async fn release(&self, lease: &Lease) -> Result<(), JournalError>;

    /// Goes on with the Sovereign's last run if it is of this very plan and direction and did not end `Completed`;
    /// opens a new run otherwise.
    async fn open_run(&self, lease: &Lease, plan: &Plan, direction: Direction) -> Result<Run, JournalError>;

    /// Writes entries down, all or none, and returns them with their place in the sequence. Status transitions are checked.
    async fn append(
        &self,
        lease: &Lease,
        run: RunId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Event>, JournalError>;

    /// The Sovereign's last run, with its events.
    async fn last_run(&self, sovereign: &SovereignName) -> Result<Option<Run>, JournalError>;

    /// The Sovereign's last run in a direction, with its events.
    async fn last_run_towards(
        &self,
        sovereign: &SovereignName,
        direction: Direction,
    ) -> Result<Option<Run>, JournalError>;

    /// The Sovereign's events of all runs behind `after`, oldest first, at most `limit`.
    async fn events(
        &self,
        sovereign: &SovereignName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError>;

    /// Every Sovereign the journal knows, by name.
    async fn sovereigns(&self) -> Result<Vec<SovereignName>, JournalError>;

    /// Removes everything about a Sovereign.
    async fn forget(&self, lease: &Lease) -> Result<(), JournalError>;
}
