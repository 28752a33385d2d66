//! A book in memory, and the contract that every book keeps.

#![expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test suite reports by panicking"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Owner};
use super::allocation::{Allocation, Lingers, State};
use super::book::{BookError, PoolBook, PoolError, Put, expire, perform};
use super::claim::Claim;
use super::look_alike::skeleton;
use super::name::PoolName;
use super::refusal::Refusal;

/// A book that lives as long as its value.
#[derive(Debug, Default)]
pub struct MemoryBook {
    names: Mutex<BTreeMap<PoolName, Vec<Allocation>>>,
}

#[async_trait]
impl PoolBook for MemoryBook {
    async fn find(&self, name: &PoolName) -> Result<Option<Allocation>, BookError> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.get(name).and_then(|history| history.last()).cloned())
    }

    async fn all(&self) -> Result<Vec<Allocation>, BookError> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names
            .values()
            .filter_map(|history| history.last())
            .cloned()
            .collect())
    }

    async fn history(&self, name: &PoolName) -> Result<Vec<Allocation>, BookError> {
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(names.get(name).cloned().unwrap_or_default())
    }

    async fn put(&self, before: Option<u64>, allocation: &Allocation) -> Result<Put, BookError> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = &allocation.name;
        let last = names.get(name).and_then(|history| history.last());
        if last.map(|last| last.revision) != before {
            return Ok(Put::Raced);
        }
        let looks = skeleton(name.label.as_str());
        let alike = names.values().filter_map(|history| history.last()).find(|other| {
            other.is_taken()
                && other.name != *name
                && other.name.pool == name.pool
                && skeleton(other.name.label.as_str()) == looks
        });
        match alike {
            Some(other) if allocation.is_taken() => Ok(Put::LooksLike(other.name.clone())),
            _ => {
                names.entry(name.clone()).or_default().push(allocation.clone());
                Ok(Put::Done)
            }
        }
    }
}

/// An owner of that name, with a new claim.
pub fn owner(sovereign: &str) -> Owner {
    Owner {
        sovereign: sovereign.parse().unwrap(),
        claim: Claim::generate().digest(),
    }
}

/// A label in the pool of the tests.
pub fn pool_name(label: &str) -> PoolName {
    PoolName {
        pool: "sovereigns.example".parse().unwrap(),
        label: label.parse().unwrap(),
    }
}

/// What every book does. `make` opens an empty one.
pub async fn book_contract(make: impl AsyncFn() -> Arc<dyn PoolBook>) {
    a_life_is_kept_as_it_was(&*make().await).await;
    a_revision_is_written_once(&*make().await).await;
    one_of_many_gets_a_name(make().await).await;
    look_alikes_share_one_place(&*make().await).await;
}

fn later(seconds: i64) -> Timestamp {
    Timestamp::UNIX_EPOCH + SignedDuration::from_secs(seconds)
}

async fn a_life_is_kept_as_it_was(book: &dyn PoolBook) {
    let (name, by) = (pool_name("acme"), owner("acme"));
    assert_eq!(book.find(&name).await.unwrap(), None);
    let acts = [
        Act::Hold { until: later(60) },
        Act::Provision,
        Act::Activate,
        Act::Release {
            lingers: Lingers {
                delegation: 300,
                zone: 600,
            },
        },
        Act::Withdrawn,
        Act::Quarantine {
            length: std::time::Duration::from_mins(15),
        },
    ];
    let mut lived = Vec::new();
    for act in acts {
        lived.push(perform(book, &name, &by, None, act, later(1)).await.unwrap());
        assert_eq!(book.find(&name).await.unwrap().as_ref(), lived.last());
    }
    assert!(!expire(book, &name, later(2)).await.unwrap());
    assert!(expire(book, &name, later(1_000)).await.unwrap());
    assert_eq!(book.history(&name).await.unwrap()[..lived.len()], lived[..]);
    assert_eq!(book.all().await.unwrap().len(), 1);
    let next = perform(
        book,
        &name,
        &owner("other"),
        None,
        Act::Hold { until: later(2_000) },
        later(1_001),
    )
    .await;
    assert_eq!(next.unwrap().generation, 2);
}

async fn a_revision_is_written_once(book: &dyn PoolBook) {
    let (name, by) = (pool_name("acme"), owner("acme"));
    let held = perform(book, &name, &by, None, Act::Hold { until: later(60) }, later(0))
        .await
        .unwrap();
    assert_eq!(book.put(None, &held).await.unwrap(), Put::Raced);
    assert_eq!(
        book.put(Some(held.revision + 1), &held).await.unwrap(),
        Put::Raced
    );
    let next = Allocation {
        revision: held.revision + 1,
        state: State::Provisioning,
        ..held.clone()
    };
    assert_eq!(book.put(Some(held.revision), &next).await.unwrap(), Put::Done);
    assert_eq!(book.put(Some(held.revision), &next).await.unwrap(), Put::Raced);
}

async fn one_of_many_gets_a_name(book: Arc<dyn PoolBook>) {
    let mut racers = tokio::task::JoinSet::new();
    for number in 0..16 {
        let book = book.clone();
        racers.spawn(async move {
            let by = owner(&format!("racer-{number}"));
            let act = Act::Hold { until: later(60) };
            perform(&*book, &pool_name("acme"), &by, None, act, later(0)).await
        });
    }
    let outcomes = racers.join_all().await;
    let won = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
    assert_eq!(won, 1, "{outcomes:?}");
    let lost =
        |outcome: &&Result<_, PoolError>| matches!(outcome, Err(PoolError::Refused(Refusal::Taken { .. })));
    assert_eq!(outcomes.iter().filter(lost).count(), 15, "{outcomes:?}");
}

async fn look_alikes_share_one_place(book: &dyn PoolBook) {
    let act = Act::Hold { until: later(60) };
    perform(book, &pool_name("acme"), &owner("acme"), None, act, later(0))
        .await
        .unwrap();
    let other = owner("other");
    let second = async |now| {
        perform(
            book,
            &pool_name("acrne"),
            &other,
            None,
            Act::Hold { until: later(900) },
            now,
        )
        .await
    };
    let refused = second(later(1)).await;
    assert!(
        matches!(refused, Err(PoolError::Refused(Refusal::LooksLike { .. }))),
        "{refused:?}"
    );
    assert!(second(later(60)).await.is_ok(), "the first hold is over");
    let first = perform(
        book,
        &pool_name("acme"),
        &owner("third"),
        None,
        Act::Hold { until: later(900) },
        later(61),
    )
    .await;
    assert!(
        matches!(first, Err(PoolError::Refused(Refusal::LooksLike { .. }))),
        "{first:?}"
    );
}
