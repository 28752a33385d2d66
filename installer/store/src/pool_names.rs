//! What must survive about names out of pools: who has which, and everything that became of it.
//!
//! This is storage alone. What an allocation is and which one may follow another is the pool's, which stands on another floor.

use sqlx::{Connection as _, Row as _, Sqlite, Transaction};

use crate::error::StoreError;
use crate::store::SqliteStore;

/// A pool and a label in it.
pub type NameKey<'a> = (&'a str, &'a str);

/// An allocation as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameRow<'a> {
    /// The pool and the label.
    pub key: NameKey<'a>,
    /// A text that is equal for labels that look alike.
    pub skeleton: &'a str,
    /// Whether somebody has the name.
    pub taken: bool,
    /// Grows with every change.
    pub revision: u64,
    /// The allocation.
    pub body: &'a str,
}

/// What came of writing an allocation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NameOutcome {
    /// It is written.
    Written,
    /// The name's revision is another one.
    OtherRevision,
    /// This label of the pool looks like it, and is taken.
    LooksLike(String),
}

/// The names in a store.
#[derive(Debug, Clone, Copy)]
pub struct PoolNames<'a> {
    store: &'a SqliteStore,
}

impl SqliteStore {
    /// What is known of names out of pools.
    pub fn pool_names(&self) -> PoolNames<'_> {
        PoolNames { store: self }
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { action, source }
}

impl PoolNames<'_> {
    /// A name's allocation.
    pub async fn find(&self, (pool, label): NameKey<'_>) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT body FROM pool_name WHERE pool = ? AND label = ?");
        let row = row
            .bind(pool)
            .bind(label)
            .fetch_optional(&self.store.readers)
            .await;
        let row = row.map_err(failed("read a name out of a pool"))?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Every allocation, by pool and label.
    pub async fn all(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT body FROM pool_name ORDER BY pool, label");
        let rows = rows.fetch_all(&self.store.readers).await;
        let rows = rows.map_err(failed("list the names out of pools"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Everything a name's allocation ever was, oldest first.
    pub async fn history(&self, (pool, label): NameKey<'_>) -> Result<Vec<String>, StoreError> {
        let rows =
            sqlx::query("SELECT body FROM pool_history WHERE pool = ? AND label = ? ORDER BY revision");
        let rows = rows.bind(pool).bind(label).fetch_all(&self.store.readers).await;
        let rows = rows.map_err(failed("read the history of a name out of a pool"))?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }

    /// Writes an allocation in place of the one with that revision; none if the name is not in the store.
    pub async fn put(&self, before: Option<u64>, row: &NameRow<'_>) -> Result<NameOutcome, StoreError> {
        let failed = failed("write a name out of a pool");
        let mut writer = self.store.writer.lock().await;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        if let Some(other) = look_alike(&mut tx, row).await.map_err(&failed)? {
            return Ok(NameOutcome::LooksLike(other));
        }
        let written = match before {
            Some(revision) => replace(&mut tx, revision, row).await,
            None => insert(&mut tx, row).await,
        };
        if !written.map_err(&failed)? {
            return Ok(NameOutcome::OtherRevision);
        }
        remember(&mut tx, row).await.map_err(&failed)?;
        tx.commit().await.map_err(failed)?;
        Ok(NameOutcome::Written)
    }
}

/// Another label that looks like it and is taken. The index refuses a second one, too; this says which is the first.
async fn look_alike(
    tx: &mut Transaction<'_, Sqlite>,
    row: &NameRow<'_>,
) -> Result<Option<String>, sqlx::Error> {
    if !row.taken {
        return Ok(None);
    }
    let (pool, label) = row.key;
    let other = sqlx::query(
        "SELECT label FROM pool_name WHERE pool = ? AND skeleton = ? AND taken = 1 AND label <> ?",
    );
    let other = other.bind(pool).bind(row.skeleton).bind(label);
    Ok(other.fetch_optional(&mut **tx).await?.map(|row| row.get(0)))
}

async fn insert(tx: &mut Transaction<'_, Sqlite>, row: &NameRow<'_>) -> Result<bool, sqlx::Error> {
    let insert = sqlx::query(
        "INSERT INTO pool_name (pool, label, skeleton, taken, revision, body) VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (pool, label) DO NOTHING",
    );
    let (pool, label) = row.key;
    let insert = insert.bind(pool).bind(label).bind(row.skeleton).bind(row.taken);
    let done = insert
        .bind(number(row.revision))
        .bind(row.body)
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn replace(
    tx: &mut Transaction<'_, Sqlite>,
    revision: u64,
    row: &NameRow<'_>,
) -> Result<bool, sqlx::Error> {
    let update = sqlx::query(
        "UPDATE pool_name SET skeleton = ?, taken = ?, revision = ?, body = ?
         WHERE pool = ? AND label = ? AND revision = ?",
    );
    let update = update
        .bind(row.skeleton)
        .bind(row.taken)
        .bind(number(row.revision))
        .bind(row.body);
    let (pool, label) = row.key;
    let done = update
        .bind(pool)
        .bind(label)
        .bind(number(revision))
        .execute(&mut **tx)
        .await?;
    Ok(done.rows_affected() == 1)
}

async fn remember(tx: &mut Transaction<'_, Sqlite>, row: &NameRow<'_>) -> Result<(), sqlx::Error> {
    let insert = sqlx::query("INSERT INTO pool_history (pool, label, revision, body) VALUES (?, ?, ?, ?)");
    let (pool, label) = row.key;
    let insert = insert
        .bind(pool)
        .bind(label)
        .bind(number(row.revision))
        .bind(row.body);
    insert.execute(&mut **tx).await.map(drop)
}

/// Numbers of the database have a sign.
fn number(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
