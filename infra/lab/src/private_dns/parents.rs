//! The zones that registrars' changes go to: the top level, and customers' own zones.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;

use super::name_server::NameServer;
use crate::registrars::{ParentZone, PowerDnsParent, Published};

/// One server of a top level, and what it has yet to follow while it is held back.
#[derive(Debug)]
struct Follower {
    zone: PowerDnsParent,
    held: Mutex<Option<Vec<Published>>>,
}

impl Follower {
    /// Keeps a change for later, if it is held back.
    fn keeps(&self, published: &Published) -> bool {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.as_mut().map(|held| held.push(published.clone())).is_some()
    }
}

/// A top level on several servers, which follow one after the other, and can be held back one by one.
#[derive(Debug)]
pub struct TopLevel {
    followers: Vec<Follower>,
}

impl TopLevel {
    /// The top level `zone`, which each of the servers holds.
    pub(super) fn new<'a>(servers: impl IntoIterator<Item = &'a NameServer>, zone: &str, ttl: u32) -> Self {
        let followers = servers.into_iter().map(|server| Follower {
            zone: PowerDnsParent::on(&server.dns, zone, ttl),
            held: Mutex::default(),
        });
        Self {
            followers: followers.collect(),
        }
    }

    /// Holds a server back, by its number from 0: it goes on showing what it shows now.
    pub fn hold(&self, server: usize) {
        if let Some(follower) = self.followers.get(server) {
            let mut held = follower.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.get_or_insert_default();
        }
    }

    /// Lets a server follow again, beginning with what it has missed.
    pub async fn release(&self, server: usize) {
        let Some(follower) = self.followers.get(server) else {
            return;
        };
        let missed = follower
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        for published in missed.unwrap_or_default() {
            follower.zone.changed(&published).await;
        }
    }
}

#[async_trait]
impl ParentZone for TopLevel {
    async fn changed(&self, published: &Published) {
        for follower in &self.followers {
            if !follower.keeps(published) {
                follower.zone.changed(published).await;
            }
        }
    }
}

/// Customers' own zones, as parents of names below them.
#[derive(Debug, Default)]
pub(super) struct CustomerParents {
    zones: Mutex<BTreeMap<String, Arc<PowerDnsParent>>>,
}

impl CustomerParents {
    pub(super) fn add(&self, zone: &str, parent: PowerDnsParent) {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        zones.insert(zone.to_owned(), Arc::new(parent));
    }

    fn above(&self, domain: &str) -> Option<Arc<PowerDnsParent>> {
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let mut above = zones.iter().filter(|(zone, _)| {
            domain
                .strip_suffix(zone.as_str())
                .is_some_and(|rest| rest.ends_with('.'))
        });
        above.next().map(|(_, parent)| parent.clone())
    }
}

#[async_trait]
impl ParentZone for CustomerParents {
    async fn changed(&self, published: &Published) {
        if let Some(parent) = self.above(&published.domain) {
            parent.changed(published).await;
        }
    }
}
