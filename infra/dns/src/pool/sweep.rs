//! Takes away what is nobody's, in the order in which an owner would: delegation, caches, zone, book.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;

use super::act::Act;
use super::book::{PoolBook, reclaim};
use super::deed::{DeedError, Withdrawal};
use super::delegation::{lingers, withdraw};
use super::fence::Fence;
use super::name::PoolName;
use super::zone;
use crate::name::DomainName;
use crate::publish::ZoneHosts;
use crate::zone::ZoneMark;

/// A name that nobody has, of which something is in DNS. While it is taken away nobody gets it, and nobody else takes it away.
#[derive(Clone, Copy)]
pub struct Removal<'a> {
    /// Who has which name.
    pub book: &'a dyn PoolBook,
    /// Servers that have the pool's zone.
    pub hosts: &'a ZoneHosts,
    /// The name.
    pub name: &'a PoolName,
    /// The name as a domain name.
    pub child: &'a DomainName,
    /// The mark of what goes; what bears another one stays.
    pub mark: &'a ZoneMark,
    /// What time it is.
    pub clock: &'a (dyn Fn() -> Timestamp + Send + Sync),
}

impl fmt::Debug for Removal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Removal")
            .field("name", self.name)
            .field("mark", self.mark)
            .finish_non_exhaustive()
    }
}

impl<'a> Removal<'a> {
    /// Takes the delegation away. The zone goes when the last cache has forgotten it: [`Removal::finish`], through the same fence.
    pub async fn begin(&self) -> Result<(Withdrawal, Fence<'a>), DeedError> {
        let Self {
            book,
            hosts,
            name,
            child,
            mark,
            clock,
        } = *self;
        let lingers = lingers(hosts, &name.pool, child, mark).await?;
        let Some(taken) = reclaim(book, name, mark, lingers, clock()).await? else {
            let nothing = Withdrawal::Gone { clear_at: None };
            return Ok((nothing, Fence::beside(book, name, clock).await?));
        };
        let mut fence = Fence::of_taker(book, name, clock, taken);
        let findings = withdraw(hosts, &name.pool, child, mark, &mut fence).await?;
        if !findings.is_empty() {
            return Ok((Withdrawal::NotYet(findings), fence));
        }
        fence.act(Act::Withdrawn).await?;
        let clear_at = fence.seen().and_then(|seen| seen.clear_at);
        Ok((Withdrawal::Gone { clear_at }, fence))
    }

    /// Takes the zone away, and puts the name in quarantine.
    pub async fn finish(&self, mut fence: Fence<'a>, quarantine: Duration) -> Result<(), DeedError> {
        if fence.seen().is_none() {
            return Ok(());
        }
        zone::remove(self.hosts, self.child, self.mark, &mut fence).await?;
        let length = quarantine;
        fence.act(Act::Quarantine { length }).await
    }
}
