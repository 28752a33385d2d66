//! What a [`super::Prober`] has learned about zones and hosts. It is bounded, and goes with the prober.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::rr::Record;
use tokio::sync::OnceCell;

use super::failure::Failure;
use super::seen::{NsSet, ServerAt};
use crate::name::DomainName;
use crate::query::Reply;

/// Most zones, and most hosts, that are remembered; then all are forgotten.
const REMEMBERED: usize = 10_000;

/// A zone as it was come upon from above.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) name: DomainName,
    /// The zone above; none for the root.
    pub(super) parent: Option<Arc<Zone>>,
    /// Its name servers as the zone above names them, or by itself where the servers above hold it, too.
    pub(super) ns: NsSet,
    /// Its servers' addresses, for the root; empty where they follow from `ns`.
    pub(super) known: Vec<ServerAt>,
    /// What the referral said about its keys.
    pub(super) referral: Vec<Record>,
    /// The same, asked for if the referral did not say; and the keys themselves.
    pub(super) proof: OnceCell<Vec<Record>>,
    pub(super) keys: OnceCell<Reply>,
    /// Its start of authority.
    pub(super) soa: OnceCell<Reply>,
    /// All addresses of all its servers.
    pub(super) servers: OnceCell<Vec<ServerAt>>,
}

impl Zone {
    pub(super) fn new(name: DomainName, parent: Option<Arc<Self>>, ns: NsSet, referral: Vec<Record>) -> Self {
        Self {
            name,
            parent,
            ns,
            known: Vec::new(),
            referral,
            proof: OnceCell::new(),
            keys: OnceCell::new(),
            soa: OnceCell::new(),
            servers: OnceCell::new(),
        }
    }

    /// The zones from the root down to this one.
    pub(super) fn path(self: &Arc<Self>) -> Vec<Arc<Self>> {
        let mut path = vec![self.clone()];
        while let Some(parent) = path.last().and_then(|zone| zone.parent.clone()) {
            path.push(parent);
        }
        path.reverse();
        path
    }

    /// Servers whose addresses came along.
    pub(super) fn at_hand(&self) -> Vec<ServerAt> {
        if !self.known.is_empty() {
            return self.known.clone();
        }
        let glue = self.ns.glue.iter();
        glue.flat_map(|(name, addresses)| {
            addresses.iter().map(|address| ServerAt {
                name: name.to_string(),
                address: *address,
            })
        })
        .collect()
    }
}

/// Addresses of a host, by the servers in charge of its name.
#[derive(Debug, Clone, Default)]
pub(super) struct HostAddresses {
    pub(super) addresses: BTreeSet<IpAddr>,
    /// How long they may be cached, in seconds.
    pub(super) ttl: u32,
}

/// Zones and hosts that are known.
#[derive(Debug)]
pub(super) struct Atlas {
    zones: Mutex<BTreeMap<DomainName, Arc<Zone>>>,
    hosts: Mutex<BTreeMap<DomainName, Result<HostAddresses, Failure>>>,
    root: Arc<Zone>,
}

impl Atlas {
    pub(super) fn new(roots: Vec<ServerAt>) -> Self {
        let root = Zone {
            known: roots,
            ..Zone::new(DomainName::root(), None, NsSet::default(), Vec::new())
        };
        Self {
            zones: Mutex::default(),
            hosts: Mutex::default(),
            root: Arc::new(root),
        }
    }

    /// The deepest zone that is known to hold a name. With `strictly`, a zone of that very name does not count.
    pub(super) fn above(&self, name: &DomainName, strictly: bool) -> Arc<Zone> {
        let zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at = if strictly {
            name.parent()
        } else {
            Some(name.clone())
        };
        while let Some(here) = at {
            if let Some(zone) = zones.get(&here) {
                return zone.clone();
            }
            at = here.parent();
        }
        self.root.clone()
    }

    pub(super) fn enter(&self, zone: Zone) -> Arc<Zone> {
        let mut zones = self.zones.lock().unwrap_or_else(PoisonError::into_inner);
        if zones.len() >= REMEMBERED {
            zones.clear();
        }
        let zone = Arc::new(zone);
        zones.insert(zone.name.clone(), zone.clone());
        zone
    }

    pub(super) fn host(&self, name: &DomainName) -> Option<Result<HostAddresses, Failure>> {
        let hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.get(name).cloned()
    }

    pub(super) fn enter_host(&self, name: &DomainName, addresses: &Result<HostAddresses, Failure>) {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if hosts.len() >= REMEMBERED {
            hosts.clear();
        }
        hosts.insert(name.clone(), addresses.clone());
    }
}
