//! The book of pool names, on the store.

use std::sync::Arc;

use async_trait::async_trait;
use sovereign_dns::pool::look_alike::skeleton;
use sovereign_dns::pool::{Allocation, BookError, PoolBook, PoolName, Put};
use sovereign_engine::step::chain;
use sovereign_store::pool_names::{NameKey, NameOutcome, NameRow};
use sovereign_store::{SqliteStore, StoreError};

/// The book of pool names, on the store.
#[derive(Debug)]
pub(crate) struct StoredPoolBook(Arc<SqliteStore>);

impl StoredPoolBook {
    pub(crate) fn new(store: Arc<SqliteStore>) -> Self {
        Self(store)
    }
}

fn key(name: &PoolName) -> NameKey<'_> {
    (name.pool.as_str(), name.label.as_str())
}

fn cannot(action: &'static str) -> impl Fn(StoreError) -> BookError {
    move |error| BookError {
        action,
        why: chain(&error),
    }
}

fn read(action: &'static str, body: &str) -> Result<Allocation, BookError> {
    serde_json::from_str(body).map_err(|error| BookError {
        action,
        why: format!("an entry was written by another version: {error}"),
    })
}

#[async_trait]
impl PoolBook for StoredPoolBook {
    async fn find(&self, name: &PoolName) -> Result<Option<Allocation>, BookError> {
        let action = "say whose a name is";
        let body = self.0.pool_names().find(key(name)).await;
        let body = body.map_err(cannot(action))?;
        body.map(|body| read(action, &body)).transpose()
    }

    async fn all(&self) -> Result<Vec<Allocation>, BookError> {
        let action = "list its names";
        let bodies = self.0.pool_names().all().await;
        let bodies = bodies.map_err(cannot(action))?;
        bodies.iter().map(|body| read(action, body)).collect()
    }

    async fn history(&self, name: &PoolName) -> Result<Vec<Allocation>, BookError> {
        let action = "tell the history of a name";
        let bodies = self.0.pool_names().history(key(name)).await;
        let bodies = bodies.map_err(cannot(action))?;
        bodies.iter().map(|body| read(action, body)).collect()
    }

    async fn put(&self, before: Option<u64>, allocation: &Allocation) -> Result<Put, BookError> {
        let action = "note whose a name is";
        let name = &allocation.name;
        let body = serde_json::to_string(allocation).map_err(|error| BookError {
            action,
            why: error.to_string(),
        })?;
        let row = NameRow {
            key: key(name),
            skeleton: &skeleton(name.label.as_str()),
            taken: allocation.is_taken(),
            revision: allocation.revision,
            body: &body,
        };
        let put = self.0.pool_names().put(before, &row).await;
        Ok(match put.map_err(cannot(action))? {
            NameOutcome::Written => Put::Done,
            NameOutcome::OtherRevision => Put::Raced,
            NameOutcome::LooksLike(label) => Put::LooksLike(PoolName {
                pool: name.pool.clone(),
                label: label.parse().map_err(|error| BookError {
                    action,
                    why: format!("it holds a label that is none: {error}"),
                })?,
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use jiff::{SignedDuration, Timestamp};
    use sovereign_dns::pool::testing::{book_contract, owner, pool_name};
    use sovereign_dns::pool::{Act, Lingers, PoolError, perform};

    use super::*;

    async fn open(dir: &Path) -> Arc<dyn PoolBook> {
        let store = SqliteStore::open(dir).await.unwrap();
        Arc::new(StoredPoolBook::new(Arc::new(store)))
    }

    #[tokio::test]
    async fn the_store_keeps_the_contract() {
        let dir = tempfile::tempdir().unwrap();
        let number = std::sync::atomic::AtomicU32::new(0);
        book_contract(async || {
            let number = number.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            open(&dir.path().join(number.to_string())).await
        })
        .await;
    }

    /// Each opens the database for itself, as processes do.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_several_installers_one_gets_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut racers = tokio::task::JoinSet::new();
        for number in 0..6 {
            let book = open(dir.path()).await;
            racers.spawn(async move {
                let until = Timestamp::now() + SignedDuration::from_mins(5);
                let by = owner(&format!("racer-{number}"));
                let label = if number % 2 == 0 { "acme" } else { "acrne" };
                let name = pool_name(label);
                perform(&*book, &name, &by, None, Act::Hold { until }, Timestamp::now()).await
            });
        }
        let outcomes = racers.join_all().await;
        let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(won, 1, "{outcomes:?}");
        let all = open(dir.path()).await.all().await.unwrap();
        assert_eq!(all.iter().filter(|one| one.is_taken()).count(), 1);
    }

    /// Several installers do whatever they like with two names that look alike, for a while. In the end every generation had one
    /// owner.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn no_generation_has_two_owners() {
        let dir = tempfile::tempdir().unwrap();
        let mut installers = tokio::task::JoinSet::new();
        for number in 0..4_u64 {
            let book = open(dir.path()).await;
            let by = owner(&format!("racer-{number}"));
            installers.spawn(async move {
                let mut random = number;
                for _ in 0..60 {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let name = pool_name(if random >> 40 & 1 == 0 { "acme" } else { "acrne" });
                    let now = Timestamp::now();
                    let act = match random >> 33 & 7 {
                        0..4 => Act::Hold { until: now },
                        4 => Act::Provision,
                        5 => Act::Activate,
                        6 => Act::Release {
                            lingers: Lingers::default(),
                        },
                        _ => Act::Quarantine {
                            length: std::time::Duration::ZERO,
                        },
                    };
                    for act in [act, Act::Withdrawn] {
                        match perform(&*book, &name, &by, None, act, now).await {
                            Ok(_) | Err(PoolError::Refused(_)) => {}
                            Err(PoolError::Book(error)) => panic!("{error}"),
                        }
                    }
                }
            });
        }
        installers.join_all().await;
        let book = open(dir.path()).await;
        let mut generations = 0;
        for label in ["acme", "acrne"] {
            let history = book.history(&pool_name(label)).await.unwrap();
            for pair in history.windows(2) {
                assert_eq!(pair[1].revision, pair[0].revision + 1);
                let same = pair[1].generation == pair[0].generation;
                assert!(same || pair[1].generation == pair[0].generation + 1, "{pair:?}");
                assert!(!same || pair[1].sovereign == pair[0].sovereign, "{pair:?}");
            }
            generations += history.last().map_or(0, |last| last.generation);
        }
        assert!(generations >= 4, "they got it in turn: {generations}");
    }
}
