//! What runs a server. A driver knows disks, power and the console; addresses, metadata and faults are not its business.

use std::fmt::Debug;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use async_trait::async_trait;
use ipnet::Ipv4Net;
use tokio::process::Command;

use super::HostError;

/// How a host is to boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Boot {
    /// From its disk.
    Disk,
    /// Into a rescue system that these keys open for root; the disk is at `/mnt`.
    Rescue {
        /// OpenSSH public keys.
        keys: Vec<String>,
    },
    /// Nothing comes up: the machine has power and stays silent.
    Dead,
}

/// What is wrong with a machine, from its next boot on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Defects {
    /// Seconds that pass between power and the first sign of life.
    pub(crate) slow_seconds: u64,
    /// Files that are on its disk when it boots, or, without content, are not: absolute path, content.
    pub(crate) files: Vec<(String, Option<String>)>,
    /// Fills the disk up but for so many MiB.
    pub(crate) disk_left_mib: Option<u64>,
    /// Seconds its clock is off. Only a machine with a clock of its own can do it.
    pub(crate) clock_offset: i64,
    /// Its private network offers a route for metadata that leads nowhere, to a host that configures itself.
    pub(crate) wrong_metadata_route: bool,
}

/// A host's public NIC. Everything else goes by the cloud's rule: /32 and /128, gateways on-link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicNic {
    /// Hardware address.
    pub(crate) mac: String,
    /// Its address, with 172.31.1.1 as gateway.
    pub(crate) ipv4: Option<Ipv4Addr>,
    /// Its address, the `::1` of its /64, with `fe80::1` as gateway.
    pub(crate) ipv6: Option<Ipv6Addr>,
}

/// A host's NIC in a private network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PrivateNic {
    /// The network's number.
    pub(crate) network: u64,
    /// Hardware address.
    pub(crate) mac: String,
    /// Its address, alone on its link.
    pub(crate) ipv4: Ipv4Addr,
    /// The network's gateway, its first address.
    pub(crate) gateway: Ipv4Addr,
    /// Everything that is reached through the gateway.
    pub(crate) range: Ipv4Net,
}

/// A machine to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostSpec {
    /// The server's number; its metadata's `instance-id`.
    pub(crate) id: u64,
    /// The server's name.
    pub(crate) name: String,
    /// Its network namespace, made and wired (`eth0`, `enp7s0`, ...) before the driver starts it.
    pub(crate) namespace: String,
    /// A directory of its own, which exists: disks, console log.
    pub(crate) directory: PathBuf,
    /// Number of processors sold.
    pub(crate) cores: u64,
    /// Memory sold, in MiB.
    pub(crate) memory_mib: u64,
    /// Disk sold, in GiB.
    pub(crate) disk_gib: u64,
    /// How it boots this time.
    pub(crate) boot: Boot,
    /// Its public NIC, `eth0`, if it has one.
    pub(crate) public: Option<PublicNic>,
    /// Its private NICs in order: `enp7s0`, `enp8s0`, ...
    pub(crate) private: Vec<PrivateNic>,
    /// The resolvers it starts with.
    pub(crate) resolvers: Vec<Ipv4Addr>,
    /// What is wrong with the machine.
    pub(crate) defects: Defects,
}

impl HostSpec {
    /// Where the driver writes what the host says on its console; appended to over boots.
    pub(crate) fn console(&self) -> PathBuf {
        self.directory.join("console.log")
    }
}

/// How a host came to stand still.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// It went off in order, or power was cut.
    Off,
    /// It wants to boot again.
    Reboot,
    /// Its machine broke.
    Broken(String),
}

/// A machine that runs.
#[async_trait]
pub(crate) trait RunningHost: Debug + Send + Sync {
    /// Presses the power button and returns at once.
    async fn press_power_button(&self) -> Result<(), HostError>;

    /// Cuts power and returns when nothing of it runs any more.
    async fn cut_power(&self);

    /// Waits for it to stand still; can be asked again, and dropped.
    async fn ended(&self) -> Ended;

    /// A command line that runs `arguments` on the host, for a person on the console, where the driver can.
    fn command(&self, arguments: &[String]) -> Result<Command, HostError>;

    /// The host's first process as this machine numbers it, where host and machine share a kernel.
    fn leader(&self) -> Option<u32>;

    /// Fills the disk of the running host up but for so many MiB, or gives it its space back. A driver that cannot do
    /// it while the host runs does it at the next boot.
    async fn leave_on_disk(&self, _host: &HostSpec, _mib: Option<u64>) -> Result<(), HostError> {
        Err(HostError::Unsupported(
            "the disk changes at the host's next boot".into(),
        ))
    }
}

/// What runs servers.
#[async_trait]
pub(crate) trait HostDriver: Debug + Send + Sync {
    /// Starts the host; its disk is made from the image where there is none. Returns when the machine runs, which
    /// is long before its operating system is up.
    async fn start(&self, host: &HostSpec) -> Result<Box<dyn RunningHost>, HostError>;

    /// Throws the disk of a host away that does not run, so that the next start is its first.
    async fn discard_disk(&self, host: &HostSpec) -> Result<(), HostError>;

    /// Makes the host configure its NICs itself (DHCP), rather than finding them configured.
    fn configures_itself(&self) -> bool;
}
