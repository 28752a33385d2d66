//! What a Sovereign does with its name, in the book and in DNS, in the order that keeps it one owner's.
//!
//! The book goes first on the way up and last on the way down: whatever of a name is in DNS, the book knows whose it is. Every act
//! may be repeated after any failure, by another process, too.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use thiserror::Error;

use super::act::{Act, Owner};
use super::allocation::{Allocation, Lingers, State};
use super::book::{BookError, PoolBook, PoolError, perform};
use super::delegation::{ChildDelegation, delegate, lingers, withdraw};
use super::fence::Fence;
use super::name::PoolName;
use super::refusal::Refusal;
use super::zone;
use crate::check::ZoneFinding;
use crate::error::DnsError;
use crate::name::{DomainName, DomainNameError};
use crate::publish::ZoneHosts;
use crate::record::Ds;
use crate::zone::ZoneMark;

/// How long a hold lasts that its run did not live to bind: it frees itself.
const HOLD: SignedDuration = SignedDuration::from_mins(15);

/// Why something could not be done with a name.
#[derive(Debug, Clone, Error)]
pub enum DeedError {
    /// The table says no.
    #[error(transparent)]
    Refused(Refusal),
    /// The book does not work.
    #[error(transparent)]
    Book(BookError),
    /// A name server does not do what it is asked.
    #[error(transparent)]
    Dns(#[from] DnsError),
    /// The label makes the name too long.
    #[error("`{name}` is not a domain name")]
    NotAName {
        /// The name.
        name: PoolName,
        /// Why.
        #[source]
        source: DomainNameError,
    },
}

impl DeedError {
    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::Refused(refusal) => Some(refusal.remedy()),
            Self::Dns(error) => Some(error.remedy.clone()),
            Self::NotAName { .. } => Some("choose a shorter label".into()),
            Self::Book(_) => None,
        }
    }
}

impl From<PoolError> for DeedError {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Refused(refusal) => Self::Refused(refusal),
            PoolError::Book(error) => Self::Book(error),
        }
    }
}

/// What came of taking a delegation away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Withdrawal {
    /// It is gone; until then caches may give it. None if nobody can have it.
    Gone {
        /// When the last cache has forgotten it.
        clear_at: Option<Timestamp>,
    },
    /// A server still gives it, or cannot be asked: try again.
    NotYet(Vec<ZoneFinding>),
}

/// A Sovereign's hand on a name.
#[derive(Clone)]
pub struct Deed<'a> {
    /// Who has which name.
    pub book: &'a dyn PoolBook,
    /// Servers that have the pool's zone.
    pub hosts: &'a ZoneHosts,
    /// The name.
    pub name: &'a PoolName,
    /// The Sovereign.
    pub by: Owner,
    /// What time it is.
    pub clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
}

impl fmt::Debug for Deed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deed")
            .field("name", self.name)
            .field("by", &self.by)
            .finish_non_exhaustive()
    }
}

impl Deed<'_> {
    /// What the book says of the name, if this is its owner, or was its last.
    pub async fn look(&self) -> Result<Option<Allocation>, DeedError> {
        let found = self.book.find(self.name).await.map_err(DeedError::Book)?;
        Ok(found.filter(|found| found.sovereign == self.by.sovereign && found.claim == self.by.claim))
    }

    /// Makes the name the Sovereign's: held first, then bound to its run. From then on it does not end by itself.
    pub async fn hold(&self) -> Result<Allocation, DeedError> {
        let until = (self.clock)().checked_add(HOLD).unwrap_or(Timestamp::MAX);
        let held = self.act(None, Act::Hold { until }).await?;
        self.act(Some(held.generation), Act::Provision).await
    }

    /// The allocation, if the name is bound to the Sovereign's run in that generation. Without that nothing of it goes into DNS.
    pub async fn bound(&self, generation: u64) -> Result<Allocation, DeedError> {
        self.act(Some(generation), Act::Provision).await
    }

    /// The delegation that the name is to have.
    pub fn delegation(
        &self,
        generation: u64,
        nameservers: BTreeSet<DomainName>,
        ds: BTreeSet<Ds>,
    ) -> Result<ChildDelegation, DeedError> {
        Ok(ChildDelegation {
            pool: self.name.pool.clone(),
            child: self.fqdn()?,
            mark: self.mark(),
            generation,
            nameservers,
            ds,
        })
    }

    /// Puts a delegation into the pool's zone, if the name is still the Sovereign's.
    pub async fn delegate(&self, wanted: &ChildDelegation) -> Result<(), DeedError> {
        self.bound(wanted.generation).await?;
        Ok(delegate(self.hosts, wanted).await?)
    }

    /// Notes that the delegation is there.
    pub async fn activate(&self, generation: u64) -> Result<Allocation, DeedError> {
        self.act(Some(generation), Act::Activate).await
    }

    /// Takes the name's delegation away. How long caches remember it and the zone is in the book before it goes, and when it was
    /// seen to be gone after that: whoever goes on after a crash waits as long.
    pub async fn withdraw(&self, generation: Option<u64>) -> Result<Withdrawal, DeedError> {
        let (child, mark) = (self.fqdn()?, self.mark());
        let lingers = lingers(self.hosts, &self.name.pool, &child, &mark).await?;
        let given = self.give_back(generation, Act::Release { lingers }).await?;
        let Some(mut fence) = self.fence(given).await? else {
            return Ok(Withdrawal::Gone { clear_at: None });
        };
        let findings = withdraw(self.hosts, &self.name.pool, &child, &mark, &mut fence).await?;
        if !findings.is_empty() {
            return Ok(Withdrawal::NotYet(findings));
        }
        fence.act(Act::Withdrawn).await?;
        let clear_at = match fence.seen() {
            Some(going) if fence.takes() && matches!(going.state, State::Releasing { .. }) => going.clear_at,
            // Of what was left behind the book knows nothing; in quarantine it waits for caches by itself.
            _ => {
                let forgotten = SignedDuration::from_secs(lingers.delegation.into());
                (self.clock)().checked_add(forgotten).ok()
            }
        };
        Ok(Withdrawal::Gone { clear_at })
    }

    /// Removes the name's zone from every server. One of a namesake stays.
    pub async fn remove_zone(&self) -> Result<(), DeedError> {
        let present = self.book.find(self.name).await.map_err(DeedError::Book)?;
        let own = present.filter(|present| present.sovereign == self.by.sovereign);
        let given = match own {
            Some(own) if matches!(own.state, State::Releasing { .. }) => {
                let lingers = Lingers::default();
                self.give_back(Some(own.generation), Act::Release { lingers })
                    .await?
            }
            Some(own) if own.state.may_be_in_dns() && own.claim != self.by.claim => Returned::Namesake,
            _ => Returned::NotOwned,
        };
        match self.fence(given).await? {
            Some(mut fence) => zone::remove(self.hosts, &self.fqdn()?, &self.mark(), &mut fence).await,
            None => Ok(()),
        }
    }

    /// Gives the name back; nobody else gets it before its quarantine is over. A hold that never came to DNS is free at once.
    ///
    /// The delegation is looked for once more: a change that was under way when its process died may have come after it was seen
    /// to be gone.
    pub async fn release(
        &self,
        generation: Option<u64>,
        quarantine: Duration,
    ) -> Result<Withdrawal, DeedError> {
        let done = Withdrawal::Gone { clear_at: None };
        let lingers = Lingers::default();
        let given = self.give_back(generation, Act::Release { lingers }).await?;
        let Returned::Given(given) = given else {
            return Ok(done);
        };
        if !matches!(given.state, State::Releasing { .. }) {
            return Ok(done);
        }
        let mut fence = Fence::of_taker(self.book, self.name, self.clock, *given);
        let (pool, child, mark) = (&self.name.pool, self.fqdn()?, self.mark());
        let findings = withdraw(self.hosts, pool, &child, &mark, &mut fence).await?;
        if !findings.is_empty() {
            return Ok(Withdrawal::NotYet(findings));
        }
        fence.act(Act::Withdrawn).await?;
        let length = quarantine;
        fence.act(Act::Quarantine { length }).await?;
        Ok(done)
    }

    /// What deletions are asked at; none where what is there is a namesake's.
    async fn fence(&self, given: Returned) -> Result<Option<Fence<'_>>, DeedError> {
        Ok(match given {
            Returned::Given(given) => Some(Fence::of_taker(self.book, self.name, self.clock, *given)),
            Returned::NotOwned => Some(Fence::beside(self.book, self.name, self.clock).await?),
            Returned::Namesake => None,
        })
    }

    fn fqdn(&self) -> Result<DomainName, DeedError> {
        self.name.fqdn().map_err(|source| DeedError::NotAName {
            name: self.name.clone(),
            source,
        })
    }

    fn mark(&self) -> ZoneMark {
        ZoneMark::of(&self.by.sovereign)
    }

    async fn act(&self, generation: Option<u64>, act: Act) -> Result<Allocation, DeedError> {
        Ok(perform(self.book, self.name, &self.by, generation, act, (self.clock)()).await?)
    }

    /// Who does not have the name has nothing to give back.
    async fn give_back(&self, generation: Option<u64>, act: Act) -> Result<Returned, DeedError> {
        match self.act(generation, act).await {
            Ok(allocation) => Ok(Returned::Given(Box::new(allocation))),
            Err(DeedError::Refused(Refusal::NotOwned { .. })) => Ok(Returned::NotOwned),
            Err(DeedError::Refused(Refusal::Unproven { .. })) => Ok(Returned::Namesake),
            Err(error) => Err(error),
        }
    }
}

/// What came of giving something back.
#[derive(Debug)]
enum Returned {
    /// The name is this far.
    Given(Box<Allocation>),
    /// It is not this Sovereign's in the book: at most its marks are left in DNS.
    NotOwned,
    /// It belongs to another Sovereign of that name, and so do the marks.
    Namesake,
}
