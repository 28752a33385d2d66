//! One at a time takes a name away. A name server deletes whatever it is told to, so the book is asked before each deletion.
//!
//! A name that is being taken away is its taker's until it has lain untouched for [`TAKE_OVER`]. Before each deletion the taker
//! sees that the book still has what it wrote there itself, not long ago, and touches the name where that is long ago. Only one
//! deletion can then still be under way when another goes on with the name: one that took half of that time. Requests end long
//! before.

use std::fmt;

use jiff::{SignedDuration, Timestamp};

use super::act::{Act, Verdict, carry_on, touch};
use super::allocation::{Allocation, State, TAKE_OVER};
use super::book::{BookError, PoolBook, Put};
use super::deed::DeedError;
use super::name::PoolName;
use super::refusal::Refusal;
use crate::powerdns::REQUEST_LIMIT;

/// Age of the taker's last word up to which it deletes. The rest of [`TAKE_OVER`] is the deletion's.
const FRESH: SignedDuration = SignedDuration::from_secs(TAKE_OVER.as_secs() / 2);

// A request to a server ends within `REQUEST_LIMIT`, one to the book within the 10 s that it waits for other writers. The rest is
// for a server that goes on with what its client has given up.
const _: () = assert!(FRESH.unsigned_abs().as_secs() >= 10 * REQUEST_LIMIT.as_secs());

/// How often a word that is old by the time it is written is said again.
const TRIES: usize = 3;

/// What its taker knows of a name, and has confirmed before each deletion.
pub struct Fence<'a> {
    book: &'a dyn PoolBook,
    name: &'a PoolName,
    clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
    /// What the book says if nobody else has written; none if it does not know the name.
    seen: Option<Allocation>,
    /// Whether the caller is the one that takes the name away. Otherwise it removes what the book knows nothing of, and the name
    /// is not its own to touch.
    takes: bool,
}

impl fmt::Debug for Fence<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fence")
            .field("name", self.name)
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

impl<'a> Fence<'a> {
    /// Of whoever takes the name away, and wrote that into the book.
    pub(super) const fn of_taker(
        book: &'a dyn PoolBook,
        name: &'a PoolName,
        clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
        taken: Allocation,
    ) -> Self {
        Self {
            book,
            name,
            clock,
            seen: Some(taken),
            takes: true,
        }
    }

    /// Of whoever removes what is not the name's: what the book says now is to stay.
    pub async fn beside(
        book: &'a dyn PoolBook,
        name: &'a PoolName,
        clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
    ) -> Result<Self, DeedError> {
        Ok(Self {
            book,
            name,
            clock,
            seen: book.find(name).await.map_err(DeedError::Book)?,
            takes: false,
        })
    }

    /// Whether the caller is the one that takes the name away.
    pub(super) const fn takes(&self) -> bool {
        self.takes
    }

    /// What the book says if nobody else has written.
    pub(super) const fn seen(&self) -> Option<&Allocation> {
        self.seen.as_ref()
    }

    /// To be passed right before each deletion. Refused if anybody else has written into the book.
    pub(super) async fn pass(&mut self) -> Result<(), DeedError> {
        for _ in 0..TRIES {
            let now = self.book.find(self.name).await.map_err(DeedError::Book)?;
            let (then, now) = (revision(self.seen.as_ref()), revision(now.as_ref()));
            if then != now {
                return Err(self.overtaken(now));
            }
            let Some(old) = self.old_word() else {
                return Ok(());
            };
            self.write(old.revision, touch(&old, (self.clock)())).await?;
        }
        Err(DeedError::Book(BookError {
            action: "note in time that a name is still being taken away",
            why: format!("{TRIES} times it took longer than {FRESH:#}"),
        }))
    }

    /// Goes on with taking the name away.
    pub(super) async fn act(&mut self, act: Act) -> Result<(), DeedError> {
        let Some(seen) = self.seen.clone().filter(|_| self.takes) else {
            return Ok(());
        };
        match carry_on(&seen, act, (self.clock)()).map_err(DeedError::Refused)? {
            Verdict::Stays => Ok(()),
            Verdict::Becomes(next) => self.write(seen.revision, *next).await,
        }
    }

    /// What the taker said last, if that is so long ago that somebody else could go on during a deletion.
    fn old_word(&self) -> Option<Allocation> {
        let seen = self.seen.as_ref().filter(|_| self.takes)?;
        let going = matches!(seen.state, State::Releasing { .. });
        let old = (self.clock)().duration_since(seen.since) >= FRESH;
        (going && old).then(|| seen.clone())
    }

    async fn write(&mut self, before: u64, next: Allocation) -> Result<(), DeedError> {
        match self
            .book
            .put(Some(before), &next)
            .await
            .map_err(DeedError::Book)?
        {
            Put::Done => {
                self.seen = Some(next);
                Ok(())
            }
            Put::Raced => {
                let now = self.book.find(self.name).await.map_err(DeedError::Book)?;
                Err(self.overtaken(revision(now.as_ref())))
            }
            Put::LooksLike(other) => Err(DeedError::Refused(Refusal::LooksLike {
                name: self.name.clone(),
                other,
            })),
        }
    }

    fn overtaken(&self, now: u64) -> DeedError {
        DeedError::Refused(Refusal::Overtaken {
            name: self.name.clone(),
            then: revision(self.seen.as_ref()),
            now,
        })
    }
}

/// Zero for a name that the book does not know: revisions begin with one.
fn revision(allocation: Option<&Allocation>) -> u64 {
    allocation.map_or(0, |allocation| allocation.revision)
}
