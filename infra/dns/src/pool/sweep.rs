//! Takes away what is nobody's, in the order in which an owner would: delegation, caches, zone, book.

use std::time::Duration;

use jiff::Timestamp;

use super::act::{Act, Owner};
use super::allocation::{Allocation, Lingers};
use super::book::{PoolBook, perform, reclaim};
use super::deed::{DeedError, Withdrawal};
use super::delegation::{lingers, withdraw};
use super::name::PoolName;
use crate::name::DomainName;
use crate::publish::{self, ZoneHosts};
use crate::zone::ZoneMark;

/// A name that nobody has, of which something is in DNS. While it is taken away nobody gets it.
#[derive(Debug, Clone, Copy)]
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
}

impl Removal<'_> {
    /// Takes the delegation away. The zone goes when the last cache has forgotten it: [`Removal::finish`].
    pub async fn begin(&self, now: Timestamp) -> Result<Withdrawal, DeedError> {
        let Self {
            book,
            hosts,
            name,
            child,
            mark,
        } = *self;
        let lingers = lingers(hosts, &name.pool, child, mark).await?;
        let Some(taken) = reclaim(book, name, lingers, now).await? else {
            return Ok(Withdrawal::Gone { clear_at: None });
        };
        let findings = withdraw(hosts, &name.pool, child, mark).await?;
        if !findings.is_empty() {
            return Ok(Withdrawal::NotYet(findings));
        }
        let clear_at = self.act(&taken, Act::Withdrawn, now).await?.clear_at;
        Ok(Withdrawal::Gone { clear_at })
    }

    /// Takes the zone away, and puts the name in quarantine.
    pub async fn finish(&self, quarantine: Duration, now: Timestamp) -> Result<(), DeedError> {
        let Some(taken) = reclaim(self.book, self.name, Lingers::default(), now).await? else {
            return Ok(());
        };
        publish::withdraw(self.hosts, self.child, self.mark).await?;
        let length = quarantine;
        self.act(&taken, Act::Quarantine { length }, now).await.map(drop)
    }

    /// In the name of its last owner.
    async fn act(&self, taken: &Allocation, act: Act, now: Timestamp) -> Result<Allocation, DeedError> {
        let owner = Owner {
            sovereign: taken.sovereign.clone(),
            claim: taken.claim.clone(),
        };
        Ok(perform(self.book, self.name, &owner, Some(taken.generation), act, now).await?)
    }
}
