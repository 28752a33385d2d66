//! What a lab's hosts stand on: slot, network, driver and directories.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::balancer::Balancers;
use super::container::ContainerDriver;
use super::firewall::Firewalls;
use super::network::Fabric;
use super::vm::{Machines, VmDriver};
use super::volume::Volumes;
use super::{HostDriver, HostError, Part, Slot, tools};
use crate::config::{HostKind, HostsConfig};
use crate::shared::Ground;

/// What a lab's hosts stand on.
#[derive(Debug)]
pub(crate) struct Site {
    slot: Arc<Slot>,
    fabric: Arc<Fabric>,
    driver: Box<dyn HostDriver>,
    /// Machines that volumes are plugged into; none with containers.
    machines: Arc<Machines>,
    directory: PathBuf,
}

impl Site {
    /// Makes it ready for hosts; what dead labs left behind is gone afterwards. With `state` hosts keep their disks and
    /// addresses there; without, they go with the lab.
    pub(crate) async fn raise(config: &HostsConfig, state: Option<&Path>) -> Result<Self, HostError> {
        tools::check()?;
        let slot = Arc::new(take_slot(state).await?);
        let raised = Self::raise_in(slot.clone(), config, state).await;
        if raised.is_err() {
            // What is half there goes; the first error is the one to tell.
            let _ = slot.give_back().await;
        }
        raised
    }

    async fn raise_in(
        slot: Arc<Slot>,
        config: &HostsConfig,
        state: Option<&Path>,
    ) -> Result<Self, HostError> {
        let directory = match state {
            Some(state) => state.join("hosts"),
            None => config.cache.join("labs").join(slot.name()),
        };
        if state.is_none() {
            slot.note_scratch(&directory)?;
        }
        let failed = HostError::system(format!("make {}", directory.display()));
        fs::create_dir_all(&directory).map_err(failed)?;
        let machines;
        let driver: Box<dyn HostDriver> = match config.kind {
            HostKind::Container => {
                machines = Arc::default();
                Box::new(ContainerDriver::new(config, slot.name()).await?)
            }
            HostKind::Vm if !config.shares.is_empty() => {
                let why = "a virtual machine shares no folders with this one: use containers";
                return Err(HostError::Unsupported(why.into()));
            }
            HostKind::Vm => {
                let driver = VmDriver::new(&config.cache, slot.name()).await?;
                machines = driver.machines();
                Box::new(driver)
            }
        };
        let fabric = Arc::new(Fabric::raise(slot.clone()).await?);
        Ok(Self {
            slot,
            fabric,
            driver,
            machines,
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
        vec![
            Box::new(Firewalls::new(self.slot.router())),
            Box::new(Balancers::new(
                self.fabric.clone(),
                self.directory.join("balancers"),
            )),
            Box::new(Volumes::new(&self.directory, self.machines.clone())),
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
