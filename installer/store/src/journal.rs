//! The journal on `SQLite`. Every write checks the lease in its own transaction: a worker that lost it can record nothing.
//!
//! The right to write is the epoch, not the clock. The clock only decides when a lease may be taken over, so a clock that jumps
//! can delay a take-over or bring it forward, but never lets two workers write.

use std::collections::BTreeSet;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sovereign_core::crash;
use sovereign_core::event::{Event, EventKind, RunOutcome};
use sovereign_core::name::SovereignName;
use sovereign_engine::journal::{Direction, Entry, Journal, JournalError, Run, RunId};
use sovereign_engine::lease::{Claim, Lease, WorkerId};
use sovereign_engine::plan::{Plan, StepName};
use sovereign_engine::status::{StatusBoard, StepStatus};
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, Sqlite, SqliteConnection, Transaction};

use crate::store::SqliteStore;

type Tx<'a> = Transaction<'a, Sqlite>;

fn storage<E: std::error::Error + Send + Sync + 'static>(action: &'static str) -> impl Fn(E) -> JournalError {
    move |source| JournalError::Storage {
        action,
        source: Box::new(source),
    }
}

fn lost(lease: &Lease) -> JournalError {
    JournalError::LeaseLost {
        sovereign: lease.sovereign.clone(),
    }
}

fn later(now: Timestamp, ttl: Duration) -> i64 {
    now.as_millisecond().saturating_add(millis(ttl))
}

fn millis(ttl: Duration) -> i64 {
    i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX)
}

#[expect(clippy::cast_possible_wrap, reason = "an epoch counts claims")]
fn epoch(lease: &Lease) -> i64 {
    lease.epoch as i64
}

#[expect(clippy::cast_sign_loss, reason = "row numbers are positive")]
fn unsigned(number: i64) -> u64 {
    number as u64
}

#[expect(clippy::cast_possible_wrap, reason = "row numbers are small")]
fn signed(number: u64) -> i64 {
    number as i64
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Up => "up",
        Direction::Undo => "undo",
    }
}

async fn begin<'a>(writer: &'a mut SqliteConnection, action: &'static str) -> Result<Tx<'a>, JournalError> {
    writer
        .begin_with("BEGIN IMMEDIATE")
        .await
        .map_err(storage(action))
}

async fn commit(tx: Tx<'_>, action: &'static str) -> Result<(), JournalError> {
    crash::point("journal-before");
    tx.commit().await.map_err(storage(action))?;
    crash::point("journal-after");
    Ok(())
}

/// Refuses unless the lease is the newest and still runs.
async fn fence(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), JournalError> {
    let held =
        sqlx::query("SELECT 1 FROM lease WHERE sovereign = ? AND worker = ? AND epoch = ? AND until_ms > ?")
            .bind(lease.sovereign.as_str())
            .bind(lease.worker.as_str())
            .bind(epoch(lease))
            .bind(Timestamp::now().as_millisecond())
            .fetch_optional(&mut **tx)
            .await
            .map_err(storage("check a lease"))?;
    held.map(drop).ok_or_else(|| lost(lease))
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, JournalError> {
    serde_json::from_str(text).map_err(storage("read what it holds"))
}

impl SqliteStore {
    async fn run_of(
        &self,
        sovereign: &SovereignName,
        direction: Option<Direction>,
    ) -> Result<Option<Run>, JournalError> {
        let action = "read a run";
        let row = sqlx::query(
            "SELECT run.id, plan.body, run.direction FROM run JOIN plan ON plan.digest = run.digest
             WHERE run.sovereign = ? AND (? IS NULL OR run.direction = ?) ORDER BY run.id DESC LIMIT 1",
        )
        .bind(sovereign.as_str())
        .bind(direction.map(word))
        .bind(direction.map(word))
        .fetch_optional(&self.readers)
        .await
        .map_err(storage(action))?;
        let Some(row) = row else { return Ok(None) };
        let events = self.events_of(row.get(0), action).await?;
        to_run(&row, &events).map(Some)
    }

    /// Every run of a Sovereign with its events, the newest first.
    pub async fn runs(&self, sovereign: &SovereignName) -> Result<Vec<Run>, JournalError> {
        let action = "read runs";
        let rows = sqlx::query(
            "SELECT run.id, plan.body, run.direction FROM run JOIN plan ON plan.digest = run.digest
             WHERE run.sovereign = ? ORDER BY run.id DESC",
        );
        let rows = rows.bind(sovereign.as_str()).fetch_all(&self.readers).await;
        let mut runs = Vec::new();
        for row in rows.map_err(storage(action))? {
            let events = self.events_of(row.get(0), action).await?;
            runs.push(to_run(&row, &events)?);
        }
        Ok(runs)
    }

    async fn events_of(&self, run: i64, action: &'static str) -> Result<Vec<SqliteRow>, JournalError> {
        let events = sqlx::query("SELECT body FROM event WHERE run = ? ORDER BY seq").bind(run);
        events.fetch_all(&self.readers).await.map_err(storage(action))
    }
}

fn to_run(row: &SqliteRow, events: &[SqliteRow]) -> Result<Run, JournalError> {
    let direction: String = row.get(2);
    Ok(Run {
        id: RunId(unsigned(row.get(0))),
        plan: read(row.get(1))?,
        direction: if direction == "up" {
            Direction::Up
        } else {
            Direction::Undo
        },
        events: events
            .iter()
            .map(|row| read(row.get(0)))
            .collect::<Result<_, _>>()?,
    })
}

/// Checks the entries against where their steps stand, and keeps where they stand then.
async fn advance(tx: &mut Tx<'_>, lease: &Lease, run: RunId, entries: &[Entry]) -> Result<(), JournalError> {
    let steps: BTreeSet<&StepName> = entries.iter().filter_map(|entry| entry.step.as_ref()).collect();
    let mut statuses = Vec::with_capacity(steps.len());
    for step in steps {
        statuses.push((step.clone(), status_of(tx, run, step.as_str()).await?));
    }
    let mut board: StatusBoard = statuses.into_iter().collect();
    for entry in entries {
        let moved = board.apply(entry.step.as_ref(), &entry.kind);
        moved.map_err(|source| JournalError::Illegal {
            sovereign: lease.sovereign.clone(),
            source,
        })?;
    }
    for (step, status) in board.statuses() {
        let body = serde_json::to_string(status).map_err(storage("write a status"))?;
        sqlx::query("INSERT INTO step_status (run, step, status) VALUES (?, ?, ?) ON CONFLICT (run, step) DO UPDATE SET status = excluded.status")
            .bind(signed(run.0))
            .bind(step.as_str())
            .bind(body)
            .execute(&mut **tx)
            .await
            .map_err(storage("write a status"))?;
    }
    Ok(())
}

async fn status_of(tx: &mut Tx<'_>, run: RunId, step: &str) -> Result<StepStatus, JournalError> {
    let row = sqlx::query("SELECT status FROM step_status WHERE run = ? AND step = ?")
        .bind(signed(run.0))
        .bind(step);
    let row = row
        .fetch_optional(&mut **tx)
        .await
        .map_err(storage("read a status"))?;
    row.map_or_else(|| Ok(StepStatus::default()), |row| read(row.get(0)))
}

#[async_trait]
impl Journal for SqliteStore {
    async fn claim(
        &self,
        sovereign: &SovereignName,
        worker: &WorkerId,
        ttl: Duration,
    ) -> Result<Claim, JournalError> {
        let action = "claim a lease";
        let mut writer = self.writer.lock().await;
        let mut tx = begin(&mut writer, action).await?;
        let now = Timestamp::now();
        let row = sqlx::query("SELECT worker, until_ms, ttl_ms FROM lease WHERE sovereign = ?")
            .bind(sovereign.as_str());
        if let Some(row) = row.fetch_optional(&mut *tx).await.map_err(storage(action))? {
            let (holder, until): (Option<String>, i64) = (row.get(0), row.get(1));
            if let Some(holder) = holder.filter(|h| h != worker.as_str() && until > now.as_millisecond()) {
                let until = Timestamp::from_millisecond(until).map_err(storage(action))?;
                return Ok(Claim::Held {
                    by: WorkerId::new(holder),
                    until,
                    lasts: Duration::from_millis(unsigned(row.get(2))),
                });
            }
        }
        let row = sqlx::query("UPDATE epoch SET last = last + 1 RETURNING last")
            .fetch_one(&mut *tx)
            .await;
        let epoch: i64 = row.map_err(storage(action))?.get(0);
        sqlx::query(
            "INSERT INTO lease (sovereign, worker, epoch, until_ms, ttl_ms) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (sovereign) DO UPDATE
             SET worker = excluded.worker, epoch = excluded.epoch, until_ms = excluded.until_ms, ttl_ms = excluded.ttl_ms",
        )
        .bind(sovereign.as_str())
        .bind(worker.as_str())
        .bind(epoch)
        .bind(later(now, ttl))
        .bind(millis(ttl))
        .execute(&mut *tx)
        .await
        .map_err(storage(action))?;
        let epoch = unsigned(epoch);
        commit(tx, action).await?;
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
        let mut writer = self.writer.lock().await;
        let ended =
            sqlx::query("UPDATE lease SET worker = NULL WHERE sovereign = ? AND worker = ? AND until_ms = ?")
                .bind(sovereign.as_str())
                .bind(by.as_str())
                .bind(until.as_millisecond())
                .execute(&mut *writer)
                .await;
        ended.map(drop).map_err(storage("end a lease"))
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<(), JournalError> {
        let action = "renew a lease";
        let mut writer = self.writer.lock().await;
        let mut tx = begin(&mut writer, action).await?;
        fence(&mut tx, lease).await?;
        sqlx::query("UPDATE lease SET until_ms = ?, ttl_ms = ? WHERE sovereign = ?")
            .bind(later(Timestamp::now(), ttl))
            .bind(millis(ttl))
            .bind(lease.sovereign.as_str())
            .execute(&mut *tx)
            .await
            .map_err(storage(action))?;
        tx.commit().await.map_err(storage(action))
    }

    async fn release(&self, lease: &Lease) -> Result<(), JournalError> {
        let mut writer = self.writer.lock().await;
        let given =
            sqlx::query("UPDATE lease SET worker = NULL WHERE sovereign = ? AND worker = ? AND epoch = ?")
                .bind(lease.sovereign.as_str())
                .bind(lease.worker.as_str())
                .bind(epoch(lease))
                .execute(&mut *writer)
                .await;
        given.map(drop).map_err(storage("release a lease"))
    }

    async fn open_run(&self, lease: &Lease, plan: &Plan, direction: Direction) -> Result<Run, JournalError> {
        let action = "open a run";
        let digest = plan.digest();
        let mut writer = self.writer.lock().await;
        let mut tx = begin(&mut writer, action).await?;
        fence(&mut tx, lease).await?;
        let last = sqlx::query("SELECT run.id, plan.body, run.direction, run.digest, run.completed FROM run JOIN plan ON plan.digest = run.digest WHERE run.sovereign = ? ORDER BY run.id DESC LIMIT 1")
            .bind(lease.sovereign.as_str())
            .fetch_optional(&mut *tx)
            .await
            .map_err(storage(action))?;
        if let Some(row) = last {
            let (way, of, completed): (String, String, bool) = (row.get(2), row.get(3), row.get(4));
            if way == word(direction) && of == digest.as_str() && !completed {
                let events = sqlx::query("SELECT body FROM event WHERE run = ? ORDER BY seq")
                    .bind(row.get::<i64, _>(0));
                let events = events.fetch_all(&mut *tx).await.map_err(storage(action))?;
                return to_run(&row, &events);
            }
        }
        let body = serde_json::to_string(plan).map_err(storage(action))?;
        let kept = sqlx::query("INSERT INTO plan (digest, body) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(digest.as_str())
            .bind(body);
        kept.execute(&mut *tx).await.map_err(storage(action))?;
        let opened = sqlx::query("INSERT INTO run (sovereign, digest, direction) VALUES (?, ?, ?)")
            .bind(lease.sovereign.as_str())
            .bind(digest.as_str())
            .bind(word(direction))
            .execute(&mut *tx)
            .await
            .map_err(storage(action))?;
        let id = RunId(unsigned(opened.last_insert_rowid()));
        commit(tx, action).await?;
        Ok(Run {
            id,
            plan: plan.clone(),
            direction,
            events: Vec::new(),
        })
    }

    async fn append(
        &self,
        lease: &Lease,
        run: RunId,
        entries: Vec<Entry>,
    ) -> Result<Vec<Event>, JournalError> {
        let action = "append an entry";
        let mut writer = self.writer.lock().await;
        let mut tx = begin(&mut writer, action).await?;
        fence(&mut tx, lease).await?;
        let sovereign = lease.sovereign.as_str();
        let newest = sqlx::query(
            "SELECT max(id), (SELECT coalesce(max(seq), 0) FROM event WHERE sovereign = ?) FROM run WHERE sovereign = ?",
        );
        let newest = newest
            .bind(sovereign)
            .bind(sovereign)
            .fetch_one(&mut *tx)
            .await
            .map_err(storage(action))?;
        let (last_run, last_seq): (Option<i64>, i64) = (newest.get(0), newest.get(1));
        if last_run != Some(signed(run.0)) {
            return Err(JournalError::UnknownRun {
                sovereign: lease.sovereign.clone(),
                run,
            });
        }
        advance(&mut tx, lease, run, &entries).await?;
        let at = Timestamp::now();
        let mut events = Vec::with_capacity(entries.len());
        for (seq, entry) in (unsigned(last_seq) + 1..).zip(entries) {
            let event = Event {
                seq,
                at,
                step: entry.step.map(|step| step.to_string()),
                kind: entry.kind,
            };
            let body = serde_json::to_string(&event).map_err(storage(action))?;
            let put = sqlx::query("INSERT INTO event (sovereign, seq, run, body) VALUES (?, ?, ?, ?)");
            let put = put
                .bind(sovereign)
                .bind(signed(seq))
                .bind(signed(run.0))
                .bind(body);
            put.execute(&mut *tx).await.map_err(storage(action))?;
            if let EventKind::RunEnded { outcome } = &event.kind {
                let done = sqlx::query("UPDATE run SET completed = ? WHERE id = ?")
                    .bind(*outcome == RunOutcome::Completed);
                done.bind(signed(run.0))
                    .execute(&mut *tx)
                    .await
                    .map_err(storage(action))?;
            }
            events.push(event);
        }
        commit(tx, action).await?;
        Ok(events)
    }

    async fn last_run(&self, sovereign: &SovereignName) -> Result<Option<Run>, JournalError> {
        self.run_of(sovereign, None).await
    }

    async fn last_run_towards(
        &self,
        sovereign: &SovereignName,
        direction: Direction,
    ) -> Result<Option<Run>, JournalError> {
        self.run_of(sovereign, Some(direction)).await
    }

    async fn events(
        &self,
        sovereign: &SovereignName,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Event>, JournalError> {
        let rows = sqlx::query("SELECT body FROM event WHERE sovereign = ? AND seq > ? ORDER BY seq LIMIT ?")
            .bind(sovereign.as_str())
            .bind(i64::try_from(after).unwrap_or(i64::MAX))
            .bind(i64::try_from(limit).unwrap_or(i64::MAX))
            .fetch_all(&self.readers)
            .await
            .map_err(storage("read events"))?;
        rows.iter().map(|row| read(row.get(0))).collect()
    }

    async fn sovereigns(&self) -> Result<Vec<SovereignName>, JournalError> {
        let action = "list Sovereigns";
        let rows = sqlx::query("SELECT sovereign FROM lease ORDER BY sovereign")
            .fetch_all(&self.readers)
            .await;
        let rows = rows.map_err(storage(action))?;
        rows.iter()
            .map(|row| row.get::<&str, _>(0).parse().map_err(storage(action)))
            .collect()
    }

    async fn forget(&self, lease: &Lease) -> Result<(), JournalError> {
        let action = "forget a Sovereign";
        let mut writer = self.writer.lock().await;
        let mut tx = begin(&mut writer, action).await?;
        fence(&mut tx, lease).await?;
        let gone = sqlx::query("DELETE FROM lease WHERE sovereign = ?").bind(lease.sovereign.as_str());
        gone.execute(&mut *tx).await.map_err(storage(action))?;
        sqlx::query("DELETE FROM plan WHERE digest NOT IN (SELECT digest FROM run)")
            .execute(&mut *tx)
            .await
            .map_err(storage(action))?;
        commit(tx, action).await
    }
}
