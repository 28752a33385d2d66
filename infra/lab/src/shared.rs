//! What every request and every host shares: the projects behind one lock, the machines that run, the bell.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bucket::Bucket;
use crate::config::LabConfig;
use crate::fault::Faults;
use crate::hosts::RunningHost;
use crate::project::Project;
use crate::registrars::Registrars;
use crate::stats::Counter;

/// Everything behind the lab's lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) faults: Faults,
    pub(crate) counter: Counter,
    pub(crate) requests: u64,
}

/// Where a lab's hosts are reached, and where they reach this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// This machine's address that every host reaches.
    pub gateway: Ipv4Addr,
    /// The same for IPv6.
    pub gateway6: Ipv6Addr,
    /// Where the hosts' public addresses are from.
    pub range: Ipv4Net,
    /// Beginning of the names of the lab's network namespaces.
    pub name: String,
}

/// A lab's configuration and state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: LabConfig,
    pub(crate) ground: Option<Ground>,
    /// Where hosts keep their disks and consoles, by number.
    pub(crate) directory: Option<PathBuf>,
    pub(crate) registrars: Registrars,
    /// APIs of the name servers that zones go to: address and key.
    pub(crate) name_servers: Vec<(String, String)>,
    /// Told whenever something may have changed.
    pub(crate) changed: watch::Sender<()>,
    pub(crate) world: Mutex<World>,
    pub(crate) running: Mutex<BTreeMap<u64, Arc<dyn RunningHost>>>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machines that run, by server.
    pub(crate) fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<dyn RunningHost>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the host side to look.
    pub(crate) fn announce(&self) {
        self.changed.send_replace(());
    }

    /// Writes down what the projects hold, if there is a place for it.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(dir) = &self.config.state else {
            return Ok(());
        };
        let bytes = serde_json::to_vec(&self.lock().projects).map_err(io::Error::other)?;
        let fresh = dir.join("lab.json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(fresh, dir.join("lab.json"))
    }
}
