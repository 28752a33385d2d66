//! What must survive about nodes: tickets, identities, host keys, and how far each node's events are journalled.
//!
//! This is storage alone. What tickets and keys mean is the node link's, which stands on another floor.

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use sqlx::sqlite::SqliteRow;
use sqlx::{Connection as _, Row as _, Sqlite, Transaction};

use crate::error::StoreError;
use crate::store::SqliteStore;

/// What became of a ticket that was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TicketOutcome {
    /// It was good; the key is the node's now, and no other ticket or key is.
    Redeemed,
    /// The key is the node's already.
    KeyKnown,
    /// Nobody issued it to this node.
    Unknown,
    /// Its time is over.
    Expired,
    /// It was used by another key, or another ticket of the node was.
    Used,
}

/// The nodes in a store.
#[derive(Debug, Clone, Copy)]
pub struct Nodes<'a> {
    store: &'a SqliteStore,
}

/// A node's name in the tables.
type Key<'a> = (&'a SovereignName, &'a str);

impl SqliteStore {
    /// What is known of nodes.
    pub fn nodes(&self) -> Nodes<'_> {
        Nodes { store: self }
    }
}

fn failed(action: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |source| StoreError::Database { action, source }
}

impl Nodes<'_> {
    /// Keeps a ticket's digest, until a moment.
    pub async fn issue_ticket(&self, key: Key<'_>, digest: &str, until: Timestamp) -> Result<(), StoreError> {
        let (sovereign, node) = key;
        let insert =
            sqlx::query("INSERT INTO node_ticket (digest, sovereign, node, until_ms) VALUES (?, ?, ?, ?)");
        let insert = insert.bind(digest).bind(sovereign.as_str()).bind(node);
        let mut writer = self.store.writer.lock().await;
        let done = insert.bind(until.as_millisecond()).execute(&mut *writer).await;
        done.map(drop).map_err(failed("keep a ticket"))
    }

    /// Makes a key the node's, for a ticket. What was noted of the node's host so far is forgotten with that.
    pub async fn redeem_ticket(
        &self,
        key: Key<'_>,
        digest: &str,
        public_key: &str,
        now: Timestamp,
    ) -> Result<TicketOutcome, StoreError> {
        let failed = failed("redeem a ticket");
        let mut writer = self.store.writer.lock().await;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        let outcome = judge(&mut tx, key, digest, public_key, now)
            .await
            .map_err(&failed)?;
        if outcome == TicketOutcome::Redeemed {
            make_identity(&mut tx, key, public_key).await.map_err(&failed)?;
        }
        tx.commit().await.map_err(failed)?;
        Ok(outcome)
    }

    /// SHA-256 of the key that the node proves itself with.
    pub async fn identity(&self, key: Key<'_>) -> Result<Option<String>, StoreError> {
        let row = self.row(key, "read a node's identity").await?;
        Ok(row.and_then(|row| row.get("public_key")))
    }

    /// The id of the node's host; the one given, if none was noted before.
    pub async fn first_host(&self, key: Key<'_>, host_id: &str) -> Result<(String, bool), StoreError> {
        let upsert = sqlx::query(
            "INSERT INTO node (sovereign, node, host_id) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET host_id = excluded.host_id WHERE node.host_id IS NULL
             RETURNING host_id",
        );
        let failed = failed("note a node's host");
        let mut writer = self.store.writer.lock().await;
        let upsert = upsert.bind(key.0.as_str()).bind(key.1).bind(host_id);
        let noted = upsert.fetch_optional(&mut *writer).await.map_err(&failed)?;
        if let Some(noted) = noted {
            return Ok((noted.get(0), true));
        }
        let known = sqlx::query("SELECT host_id FROM node WHERE sovereign = ? AND node = ?");
        let known = known
            .bind(key.0.as_str())
            .bind(key.1)
            .fetch_one(&mut *writer)
            .await;
        Ok((known.map_err(failed)?.get(0), false))
    }

    /// Keeps the node's SSH host keys, in place of those before.
    pub async fn put_host_keys(&self, key: Key<'_>, keys: &[String]) -> Result<(), StoreError> {
        let upsert = sqlx::query(
            "INSERT INTO node (sovereign, node, host_keys) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET host_keys = excluded.host_keys",
        );
        let upsert = upsert.bind(key.0.as_str()).bind(key.1);
        let mut writer = self.store.writer.lock().await;
        let done = upsert
            .bind(serde_json::json!(keys).to_string())
            .execute(&mut *writer)
            .await;
        done.map(drop).map_err(failed("keep a node's host keys"))
    }

    /// The node's SSH host keys.
    pub async fn host_keys(&self, key: Key<'_>) -> Result<Vec<String>, StoreError> {
        let action = "read a node's host keys";
        let Some(row) = self.row(key, action).await? else {
            return Ok(Vec::new());
        };
        let keys = serde_json::from_str(row.get("host_keys"));
        keys.map_err(|error| failed(action)(sqlx::Error::Decode(error.into())))
    }

    /// Notes that the node's events up to a number are journalled; a lower number changes nothing.
    pub async fn heard(&self, key: Key<'_>, seq: u64) -> Result<(), StoreError> {
        let upsert = sqlx::query(
            "INSERT INTO node (sovereign, node, last_heard) VALUES (?, ?, ?)
             ON CONFLICT DO UPDATE SET last_heard = max(last_heard, excluded.last_heard)",
        );
        let upsert = upsert.bind(key.0.as_str()).bind(key.1);
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        let mut writer = self.store.writer.lock().await;
        let done = upsert.bind(seq).execute(&mut *writer).await;
        done.map(drop).map_err(failed("note a node's events"))
    }

    /// Number of the node's last event that is journalled, or 0.
    pub async fn last_heard(&self, key: Key<'_>) -> Result<u64, StoreError> {
        let row = self.row(key, "read how far a node's events are noted").await?;
        let last_heard = row.map_or(0, |row| row.get::<i64, _>("last_heard"));
        Ok(u64::try_from(last_heard).unwrap_or_default())
    }

    /// Forgets a node, or every node of a Sovereign.
    pub async fn forget(&self, sovereign: &SovereignName, node: Option<&str>) -> Result<(), StoreError> {
        let failed = failed("forget nodes");
        let mut writer = self.store.writer.lock().await;
        let mut tx = writer.begin_with("BEGIN IMMEDIATE").await.map_err(&failed)?;
        for delete in [
            "DELETE FROM node_ticket WHERE sovereign = ?1 AND (?2 IS NULL OR node = ?2)",
            "DELETE FROM node WHERE sovereign = ?1 AND (?2 IS NULL OR node = ?2)",
        ] {
            let delete = sqlx::query(delete).bind(sovereign.as_str()).bind(node);
            delete.execute(&mut *tx).await.map_err(&failed)?;
        }
        tx.commit().await.map_err(failed)
    }

    async fn row(&self, key: Key<'_>, action: &'static str) -> Result<Option<SqliteRow>, StoreError> {
        let row = sqlx::query("SELECT * FROM node WHERE sovereign = ? AND node = ?");
        let row = row
            .bind(key.0.as_str())
            .bind(key.1)
            .fetch_optional(&self.store.readers)
            .await;
        row.map_err(failed(action))
    }
}

async fn judge(
    tx: &mut Transaction<'_, Sqlite>,
    (sovereign, node): Key<'_>,
    digest: &str,
    public_key: &str,
    now: Timestamp,
) -> Result<TicketOutcome, sqlx::Error> {
    let known = sqlx::query("SELECT 1 FROM node WHERE sovereign = ? AND node = ? AND public_key = ?");
    let known = known.bind(sovereign.as_str()).bind(node).bind(public_key);
    if known.fetch_optional(&mut **tx).await?.is_some() {
        return Ok(TicketOutcome::KeyKnown);
    }
    let ticket =
        sqlx::query("SELECT used, until_ms FROM node_ticket WHERE digest = ? AND sovereign = ? AND node = ?");
    let ticket = ticket.bind(digest).bind(sovereign.as_str()).bind(node);
    let Some(ticket) = ticket.fetch_optional(&mut **tx).await? else {
        return Ok(TicketOutcome::Unknown);
    };
    Ok(if ticket.get("used") {
        TicketOutcome::Used
    } else if ticket.get::<i64, _>("until_ms") <= now.as_millisecond() {
        TicketOutcome::Expired
    } else {
        TicketOutcome::Redeemed
    })
}

async fn make_identity(
    tx: &mut Transaction<'_, Sqlite>,
    (sovereign, node): Key<'_>,
    public_key: &str,
) -> Result<(), sqlx::Error> {
    let spend = sqlx::query("UPDATE node_ticket SET used = 1 WHERE sovereign = ? AND node = ?");
    spend
        .bind(sovereign.as_str())
        .bind(node)
        .execute(&mut **tx)
        .await?;
    let identity = sqlx::query(
        "INSERT INTO node (sovereign, node, public_key) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET public_key = excluded.public_key, host_id = NULL, last_heard = 0",
    );
    let identity = identity.bind(sovereign.as_str()).bind(node).bind(public_key);
    identity.execute(&mut **tx).await.map(drop)
}
