//! When something in a pool was first found to be nobody's.

use jiff::Timestamp;
use sqlx::Row as _;

use crate::error::StoreError;
use crate::store::SqliteStore;

/// Something that was found: a server, a name on it, and what of it.
pub type OrphanKey<'a> = (&'a str, &'a str, &'a str);

/// What a store knows of things that are nobody's.
#[derive(Debug, Clone, Copy)]
pub struct PoolOrphans<'a> {
    store: &'a SqliteStore,
}

impl SqliteStore {
    /// What is known of things in pools that are nobody's.
    pub fn pool_orphans(&self) -> PoolOrphans<'_> {
        PoolOrphans { store: self }
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { action, source }
}

fn moment(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}

impl PoolOrphans<'_> {
    /// Notes that something is nobody's, and returns since when. Under another mark it is something else: its time begins anew.
    pub async fn note(
        &self,
        (server, name, kind): OrphanKey<'_>,
        owner: &str,
        now: Timestamp,
    ) -> Result<Timestamp, StoreError> {
        let upsert = sqlx::query(
            "INSERT INTO pool_orphan (server, name, kind, owner, found_ms) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (server, name, kind) DO UPDATE SET
                 found_ms = CASE WHEN pool_orphan.owner = excluded.owner THEN pool_orphan.found_ms ELSE excluded.found_ms END,
                 owner = excluded.owner
             RETURNING found_ms",
        );
        let upsert = upsert.bind(server).bind(name).bind(kind).bind(owner);
        let mut writer = self.store.writer.lock().await;
        let row = upsert.bind(now.as_millisecond()).fetch_one(&mut *writer).await;
        Ok(moment(row.map_err(failed("note what is nobody's"))?.get(0)))
    }

    /// Since when something is nobody's, if that was noted under this mark.
    pub async fn since(
        &self,
        (server, name, kind): OrphanKey<'_>,
        owner: &str,
    ) -> Result<Option<Timestamp>, StoreError> {
        let row = sqlx::query(
            "SELECT found_ms FROM pool_orphan WHERE server = ? AND name = ? AND kind = ? AND owner = ?",
        );
        let row = row.bind(server).bind(name).bind(kind).bind(owner);
        let row = row.fetch_optional(&self.store.readers).await;
        let row = row.map_err(failed("read since when something is nobody's"))?;
        Ok(row.map(|row| moment(row.get(0))))
    }

    /// Forgets what is not nobody's any more: everything that was noted, but for these.
    pub async fn keep_only(&self, keys: &[OrphanKey<'_>]) -> Result<(), StoreError> {
        let failed = failed("forget what is not nobody's any more");
        let rows = sqlx::query("SELECT server, name, kind FROM pool_orphan");
        let mut writer = self.store.writer.lock().await;
        let rows = rows.fetch_all(&mut *writer).await.map_err(&failed)?;
        for row in rows {
            let noted: (String, String, String) = (row.get(0), row.get(1), row.get(2));
            if keys.contains(&(&noted.0, &noted.1, &noted.2)) {
                continue;
            }
            let delete = sqlx::query("DELETE FROM pool_orphan WHERE server = ? AND name = ? AND kind = ?");
            let delete = delete.bind(noted.0).bind(noted.1).bind(noted.2);
            delete.execute(&mut *writer).await.map_err(&failed)?;
        }
        Ok(())
    }
}
