//! What a lab's hosts stand on: slot, network, driver and directories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::container::ContainerDriver;
use super::network::Fabric;
use super::{HostDriver, HostError, Part, Slot, balancer, firewall, tools};
use crate::config::{HostKind, HostsConfig};
use crate::server::Ground;

/// What a lab's hosts stand on.
#[derive(Debug)]
pub(crate) struct Site {
    slot: Arc<Slot>,
    fabric: Fabric,
    driver: Box<dyn HostDriver>,
    directory: PathBuf,
}

impl Site {
    /// Makes it ready for hosts; what dead labs left behind is gone afterwards. With `state` hosts keep their disks and
    /// addresses there; without, they go with the lab.
    pub(crate) async fn raise(config: &HostsConfig, state: Option<&Path>) -> Result<Self, HostError> {
        tools::check()?;
        let slot = Arc::new(take_slot(state).await?);
        let directory = match state {
            Some(state) => state.join("hosts"),
            None => config.cache.join("labs").join(slot.name()),
        };
        if state.is_none() {
            slot.note_scratch(&directory)?;
        }
        let failed = HostError::system(format!("make {}", directory.display()));
        fs::create_dir_all(&directory).map_err(failed)?;
        let driver = match config.kind {
            HostKind::Container => Box::new(ContainerDriver::new(&config.cache, slot.name()).await?),
            HostKind::Vm => {
                return Err(HostError::Unsupported("virtual machines are not built in".into()));
            }
        };
        let fabric = Fabric::raise(slot.clone()).await?;
        Ok(Self {
            slot,
            fabric,
            driver,
            directory,
        })
    }

    /// Where hosts are, for those outside.
    pub(crate) fn ground(&self) -> Ground {
        Ground {
            gateway: self.slot.gateway(),
            gateway6: self.slot.gateway6(),
            range: self.slot.range(),
            name: self.slot.name(),
        }
    }

    /// Names and addresses.
    pub(crate) fn slot(&self) -> &Slot {
        &self.slot
    }

    /// The network.
    pub(crate) fn fabric(&self) -> &Fabric {
        &self.fabric
    }

    /// What runs servers.
    pub(crate) fn driver(&self) -> &dyn HostDriver {
        self.driver.as_ref()
    }

    /// Where all hosts' directories are.
    pub(crate) fn base(&self) -> &Path {
        &self.directory
    }

    /// Where a host's disk and console log are.
    pub(crate) fn directory(&self, id: u64) -> PathBuf {
        self.directory.join(id.to_string())
    }

    /// What is real beside servers.
    pub(crate) fn parts(&self) -> Vec<Box<dyn Part>> {
        let balancers = balancer::Balancers::new(self.slot.clone(), self.directory.join("balancers"));
        vec![
            Box::new(firewall::Firewalls::new(self.slot.router())),
            Box::new(balancers),
        ]
    }

    /// Removes what bears the lab's name; its hosts have ended before.
    pub(crate) async fn lower(&self) -> Result<(), HostError> {
        self.slot.give_back().await
    }
}

/// The slot that the state's addresses are from, or a free one, which is noted there.
async fn take_slot(state: Option<&Path>) -> Result<Slot, HostError> {
    let note = state.map(|state| state.join("slot"));
    let noted = note.as_ref().and_then(|note| fs::read_to_string(note).ok());
    let slot = Slot::take(noted.and_then(|number| number.trim().parse().ok())).await?;
    if let Some(note) = note {
        let failed = HostError::system(format!("write {}", note.display()));
        fs::write(&note, slot.number().to_string()).map_err(failed)?;
    }
    Ok(slot)
}
