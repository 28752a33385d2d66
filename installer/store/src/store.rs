//! The database: one writer, a few readers. Several processes may have it open; each waits its turn.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use sovereign_core::name::SovereignName;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Connection as _, Row as _, SqliteConnection, SqlitePool};
use tokio::sync::Mutex;

use crate::error::StoreError;

/// The schemas, oldest first; a database at version n has the first n.
const MIGRATIONS: [&str; 4] = [
    include_str!("../migrations/1.sql"),
    include_str!("../migrations/2.sql"),
    include_str!("../migrations/3.sql"),
    include_str!("../migrations/4.sql"),
];

/// How long a writer waits for another process.
const BUSY: Duration = Duration::from_secs(10);

/// Journal, leases, specs and sealed secrets in one database file.
#[derive(Debug)]
pub struct SqliteStore {
    pub(crate) writer: Mutex<SqliteConnection>,
    pub(crate) readers: SqlitePool,
    dir: PathBuf,
}

impl SqliteStore {
    /// Opens the store in a directory, which is made for its owner alone if it is missing.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let path = |path: &Path| {
            let path = path.to_owned();
            move |source| StoreError::Path { path, source }
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(path(dir))?;
        let file = dir.join("journal.db");
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .pragma("secure_delete", "ON");
        let failed = |action| move |source| StoreError::Database { action, source };
        let opening = alone(dir.join("opening.lock")).await?;
        let mut writer = options.connect().await.map_err(failed("be opened"))?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).map_err(path(&file))?;
        migrate(&mut writer).await?;
        drop(opening);
        let readers = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options.read_only(true).create_if_missing(false));
        let readers = readers.await.map_err(failed("be opened for reading"))?;
        Ok(Self {
            writer: Mutex::new(writer),
            readers,
            dir: dir.to_owned(),
        })
    }

    /// Where it lives.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps the document a Sovereign was made from.
    pub async fn put_spec(&self, sovereign: &SovereignName, document: &str) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        sqlx::query("INSERT INTO spec (sovereign, document) VALUES (?, ?) ON CONFLICT (sovereign) DO UPDATE SET document = excluded.document")
            .bind(sovereign.as_str())
            .bind(document)
            .execute(&mut *writer)
            .await
            .map_err(|source| StoreError::Database { action: "keep a spec", source })?;
        Ok(())
    }

    /// The document a Sovereign was made from.
    pub async fn spec(&self, sovereign: &SovereignName) -> Result<Option<String>, StoreError> {
        let row = sqlx::query("SELECT document FROM spec WHERE sovereign = ?").bind(sovereign.as_str());
        let row = row.fetch_optional(&self.readers).await;
        let row = row.map_err(|source| StoreError::Database {
            action: "read a spec",
            source,
        })?;
        Ok(row.map(|row| row.get(0)))
    }

    /// Forgets the document a Sovereign was made from.
    pub async fn forget_spec(&self, sovereign: &SovereignName) -> Result<(), StoreError> {
        let mut writer = self.writer.lock().await;
        let done = sqlx::query("DELETE FROM spec WHERE sovereign = ?")
            .bind(sovereign.as_str())
            .execute(&mut *writer)
            .await;
        done.map(drop).map_err(|source| StoreError::Database {
            action: "forget a spec",
            source,
        })
    }

    /// Checks the database from end to end; the words say what is wrong.
    pub async fn check(&self) -> Result<Result<(), String>, StoreError> {
        let row = sqlx::query("PRAGMA integrity_check")
            .fetch_one(&self.readers)
            .await;
        let row = row.map_err(|source| StoreError::Database {
            action: "check itself",
            source,
        })?;
        let words: String = row.get(0);
        Ok(if words == "ok" { Ok(()) } else { Err(words) })
    }
}

/// Waits for others that open the store: a new database becomes a write-ahead one, and who meets it in the middle of that is turned
/// away at once, however patient it is. Whoever dies lets go.
async fn alone(path: PathBuf) -> Result<File, StoreError> {
    let place = path.clone();
    let work = move || {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&place)?;
        file.lock()?;
        Ok(file)
    };
    let locked = tokio::task::spawn_blocking(work).await;
    locked
        .map_err(std::io::Error::other)
        .and_then(|locked| locked)
        .map_err(|source| StoreError::Path { path, source })
}

async fn migrate(writer: &mut SqliteConnection) -> Result<(), StoreError> {
    let failed = |source| StoreError::Database {
        action: "bring its schema up to date",
        source,
    };
    let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(failed)?;
    let found: i64 = sqlx::query("PRAGMA user_version")
        .fetch_one(&mut *tx)
        .await
        .map_err(failed)?
        .get(0);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        sqlx::raw_sql(*migration)
            .execute(&mut *tx)
            .await
            .map_err(failed)?;
    }
    tx.commit().await.map_err(failed)
}
