//! A journal whose process dies at a chosen append.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::event::Event;
use sovereign_core::name::SovereignName;

use crate::journal::{Direction, Entry, Journal, JournalError, Run, RunId};
use crate::lease::{Claim, Lease, WorkerId};
use crate::plan::Plan;

/// On which side of the write the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// The entries are lost.
    BeforeWrite,
    /// The entries are durable, but nobody was told.
    AfterWrite,
}

/// A [`Journal`] that dies: from then on every call fails, as it would for a process that is gone. The journal inside lives on
/// for the next worker; the dead one's lease is not given back and has to run out.
#[derive(Debug)]
pub struct CrashingJournal {
    inner: Arc<dyn Journal>,
    crash: Option<(usize, CrashPoint)>,
    appends: AtomicUsize,
    dead: AtomicBool,
    stalled: AtomicBool,
}

impl CrashingJournal {
    /// Dies at the `append`-th append, from 1.
    pub fn at(inner: Arc<dyn Journal>, append: usize, point: CrashPoint) -> Self {
        Self {
            inner,
            crash: Some((append, point)),
            appends: AtomicUsize::new(0),
            dead: AtomicBool::new(false),
            stalled: AtomicBool::new(false),
        }
    }

    /// Lives until [`CrashingJournal::die`]; counts appends until then.
    pub fn on_demand(inner: Arc<dyn Journal>) -> Self {
        Self {
            crash: None,
            ..Self::at(inner, 0, CrashPoint::BeforeWrite)
        }
    }

    /// Dies now.
    pub fn die(&self) {
        self.dead.store(true, Ordering::SeqCst);
    }

    /// Can be reached again, as after a cut line.
    pub fn revive(&self) {
        self.dead.store(false, Ordering::SeqCst);
    }

    /// Takes every call from now on and never answers.
    pub fn stall(&self) {
        self.stalled.store(true, Ordering::SeqCst);
    }

    /// It died.
    pub fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Appends asked for so far.
    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    async fn alive(&self, action: &'static str) -> Result<&dyn Journal, JournalError> {
        if self.stalled.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if self.is_dead() {
            let source = "the process is dead".into();
            return Err(JournalError::Storage { action, source });
        }
        Ok(&*self.inner)
    }
}

#[async_trait]
impl Journal for CrashingJournal {
    async fn claim(
        &self,
        sovereign: &SovereignName,
        worker: &WorkerId,
        ttl: Duration,
    ) -> Result<Claim, JournalError> {
        self.alive("claim").await?.claim(sovereign, worker, ttl).await
    }

    async fn end_lease(
        &self,
        sovereign: &SovereignName,
        by: &WorkerId,
        until: Timestamp,
    ) -> Result<(), JournalError> {
        self.alive("end a lease")
            .await?
            .end_lease(sovereign, by, until)
            .await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), JournalError> {
        self.alive("renew a lease").await?.renew(lease, ttl).await
    }

    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        self.alive("release a lease").await?.release(lease).await
    }

    async fn open_run(&self, lease: &Lease, plan: &Plan, direction: Direction) -> Result<Run, JournalError> {
        self.alive("open a run")
            .await?
            .open_run(lease, plan, direction)
            .await
    }

    async fn append(
        &self,
        lease: &Lease,
        run: RunId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Event>, JournalError> {
        let append = self.appends.fetch_add(1, Ordering::SeqCst) + 1;
        let point = self.crash.and_then(|(at, point)| (at == append).then_some(point));
        if point == Some(CrashPoint::BeforeWrite) {
            self.die();
        }
        let written = self
            .alive("append entries")
            .await?
            .append(lease, run, entries)
            .await?;
        if point == Some(CrashPoint::AfterWrite) {
            self.die();
        }
        self.alive("append entries").await?;
        Ok(written)
    }

    async fn last_run(&self, sovereign: &SovereignName) -> Result<Option<Run>, JournalError> {
        self.alive("read a run").await?.last_run(sovereign).await
    }

    async fn last_run_towards(
        &self,
        sovereign: &SovereignName,
        direction: Direction,
    ) -> Result<Option<Run>, JournalError> {
        self.alive("read a run")
            .await?
            .last_run_towards(sovereign, direction)
            .await
    }

    async fn events(
        &self,
        sovereign: &SovereignName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError> {
        self.alive("read events")
            .await?
            .events(sovereign, after, limit)
            .await
    }

    async fn sovereigns(&self) -> Result<Vec<SovereignName>, JournalError> {
        self.alive("list Sovereigns").await?.sovereigns().await
    }

    async fn forget(&self, lease: &Lease) -> Result<(), JournalError> {
        self.alive("forget a Sovereign").await?.forget(lease).await
    }
}
