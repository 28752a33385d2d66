//! Where allocations are kept.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use thiserror::Error;

use super::act::{Act, Owner, Verdict, decide, decide_expiry, decide_reclaim};
use super::allocation::{Allocation, Lingers};
use super::name::PoolName;
use super::refusal::Refusal;
use crate::zone::ZoneMark;

/// How often an act is decided anew because somebody else was faster.
const TRIES: usize = 64;

/// The book could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the book of pool names could not {action}: {why}")]
pub struct BookError {
    /// What it was asked to do.
    pub action: &'static str,
    /// Why it could not.
    pub why: String,
}

/// What came of writing an allocation down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put {
    /// It is written, durably.
    Done,
    /// The allocation has changed since it was read: read again.
    Raced,
    /// Another name of the pool that looks like it is taken.
    LooksLike(PoolName),
}

/// Where allocations are kept. Several processes may have one open.
///
/// # Guarantees
/// - `put` writes only if the name's revision is still the one given (none: the name is not in the book), and no other name of the
///   pool with the same [`super::look_alike::skeleton`] is taken; both are checked in the transaction that writes.
/// - What was written is durable when `put` returns. Every allocation that was ever written stays in the history.
#[async_trait]
pub trait PoolBook: fmt::Debug + Send + Sync {
    /// The name's allocation.
    async fn find(&self, name: &PoolName) -> Result<Option<Allocation>, BookError>;

    /// Every allocation, by name.
    async fn all(&self) -> Result<Vec<Allocation>, BookError>;

    /// Everything the name's allocation ever was, oldest first.
    async fn history(&self, name: &PoolName) -> Result<Vec<Allocation>, BookError>;

    /// Writes an allocation down, in place of the one with that revision.
    async fn put(&self, before: Option<u64>, allocation: &Allocation) -> Result<Put, BookError>;
}

/// Why an act did not come about.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PoolError {
    /// The table says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The book does not work.
    #[error(transparent)]
    Book(#[from] BookError),
}

/// Does what an owner wants, if the table allows it, and returns what the allocation is then. May be repeated.
pub async fn perform(
    book: &dyn PoolBook,
    name: &PoolName,
    by: &Owner,
    generation: Option<u64>,
    act: Act,
    now: Timestamp,
) -> Result<Allocation, PoolError> {
    if let Act::Hold { .. } = act {
        refuse_second(book, name, by).await?;
    }
    for _ in 0..TRIES {
        let present = book.find(name).await?;
        let next = match (
            decide(present.as_ref(), name, by, generation, act, now)?,
            &present,
        ) {
            (Verdict::Becomes(next), _) => *next,
            (Verdict::Stays, Some(present)) => return Ok(present.clone()),
            (Verdict::Stays, None) => continue,
        };
        match book.put(present.map(|present| present.revision), &next).await? {
            Put::Done => return Ok(next),
            Put::Raced => {}
            Put::LooksLike(other) if expire(book, &other, now).await? => {}
            Put::LooksLike(other) => {
                let name = name.clone();
                return Err(Refusal::LooksLike { name, other }.into());
            }
        }
    }
    Err(contended("write a name that others keep changing"))
}

/// Ends what ends by itself. True if the name is nobody's now.
pub async fn expire(book: &dyn PoolBook, name: &PoolName, now: Timestamp) -> Result<bool, PoolError> {
    for _ in 0..TRIES {
        let Some(present) = book.find(name).await? else {
            return Ok(true);
        };
        let Verdict::Becomes(next) = decide_expiry(&present, now) else {
            return Ok(!present.is_taken());
        };
        if book.put(Some(present.revision), &next).await? == Put::Done {
            return Ok(true);
        }
    }
    Err(contended("end a name that others keep changing"))
}

/// Takes up again what nobody has, or goes on with what somebody took away and has not touched for long. What goes bears the mark; `lingers` is how long caches remember what is in DNS of it. See [`decide_reclaim`].
pub async fn reclaim(
    book: &dyn PoolBook,
    name: &PoolName,
    mark: &ZoneMark,
    lingers: Lingers,
    now: Timestamp,
) -> Result<Option<Allocation>, PoolError> {
    for _ in 0..TRIES {
        let Some(present) = book.find(name).await? else {
            return Ok(None);
        };
        let Verdict::Becomes(next) = decide_reclaim(&present, mark, lingers, now)? else {
            return Ok(Some(present));
        };
        match book.put(Some(present.revision), &next).await? {
            Put::Done => return Ok(Some(*next)),
            Put::Raced => {}
            Put::LooksLike(other) => {
                let name = name.clone();
                return Err(Refusal::LooksLike { name, other }.into());
            }
        }
    }
    Err(contended("take up a name that others keep changing"))
}

/// A Sovereign has one name in a pool. Nobody but its own run asks for another, and that is one at a time.
async fn refuse_second(book: &dyn PoolBook, name: &PoolName, by: &Owner) -> Result<(), PoolError> {
    let all = book.all().await?;
    let other = all.into_iter().find(|other| {
        let same_pool = other.name.pool == name.pool && other.name != *name;
        same_pool && other.sovereign == by.sovereign && other.state.may_be_in_dns()
    });
    match other {
        Some(other) => Err(Refusal::HasAnother {
            by: by.sovereign.clone(),
            other: other.name,
        }
        .into()),
        None => Ok(()),
    }
}

fn contended(action: &'static str) -> PoolError {
    BookError {
        action,
        why: format!("{TRIES} times somebody else was faster"),
    }
    .into()
}
