//! The driver for every day: a host is a systemd container with a disk, an init, an sshd and a cloud-init of its own.
//!
//! It shares the kernel with this machine, so its clock, its `vm.*` and `kernel.*` settings and its modules are this
//! machine's and stay as they are; everything under `/proc/sys/net` is its own. Its disk is a sparse file of the size
//! sold, so that `df` tells the truth and a full disk is one.
//! cloud-init reads DMI in virtual machines only; in here it finds the same data through its `NoCloud` source.

use std::path::PathBuf;

use async_trait::async_trait;
use nix::sys::signal::Signal;
use tokio::process::Command;

use super::driver::{Boot, HostSpec};
use super::image::{self, Recipe};
use super::process::{Kept, Order};
use super::{Ended, HostDriver, HostError, RunningHost};
use crate::config::{HostsConfig, Share};

mod file_systems;

use file_systems::{Places, gone, leave, prepare};

/// Where hosts of this driver look for their data.
const NO_CLOUD: &str =
    "datasource_list: [NoCloud]\ndatasource: {NoCloud: {seedfrom: \"http://169.254.169.254/nocloud/\"}}\n";
/// The network is in place before the host is.
const NETWORK_IN_PLACE: &str = "network: {config: disabled}\n";
/// What systemd-nspawn ends with when its host wants to boot again.
const WANTS_REBOOT: i32 = 133;
/// Generations from the kept process to systemd-nspawn, and to the host's init.
const NSPAWN: usize = 2;
const INIT: usize = 3;

/// Runs hosts under systemd-nspawn.
#[derive(Debug)]
pub(crate) struct ContainerDriver {
    root: PathBuf,
    slot_name: String,
    shares: Vec<Share>,
}

impl ContainerDriver {
    /// Makes the root file system unless the cache has it.
    pub(crate) async fn new(config: &HostsConfig, slot_name: String) -> Result<Self, HostError> {
        let recipe = Recipe::debian()
            .with_file("etc/cloud/cloud.cfg.d/91-source.cfg", NO_CLOUD)
            .with_file("etc/cloud/cloud.cfg.d/92-network.cfg", NETWORK_IN_PLACE);
        Ok(Self {
            root: image::obtain(&config.cache, &recipe).await?,
            slot_name,
            shares: config.shares.clone(),
        })
    }

    fn order(&self, host: &HostSpec) -> Order {
        let group = format!("{}/{}", self.slot_name, host.id);
        if host.boot == Boot::Dead {
            return Order::new(group, host.console(), ["sleep", "infinity"]);
        }
        let places = Places::of(host);
        let mut command: Vec<String> = Vec::new();
        if host.defects.slow_seconds > 0 {
            let wait = format!("sleep {}; exec \"$@\"", host.defects.slow_seconds);
            command.extend(["sh".into(), "-c".into(), wait, "lab".into()]);
        }
        let flags = [
            "systemd-nspawn",
            "--quiet",
            "--register=no",
            "--keep-unit",
            "--boot",
            "--console=read-only",
            "--link-journal=no",
            "--resolv-conf=off",
            "--timezone=off",
            // Not the clock, not modules: those are everybody's.
            "--capability=CAP_NET_ADMIN",
        ];
        command.extend(flags.map(str::to_owned));
        command.push(format!("--directory={}", places.root.display()));
        command.push(format!("--machine={}-{}", self.slot_name, host.id));
        command.push(format!("--network-namespace-path=/run/netns/{}", host.namespace));
        let share = |share: &Share| format!("--bind-ro={}:{}", share.folder.display(), share.at.display());
        command.extend(self.shares.iter().map(share));
        if matches!(host.boot, Boot::Rescue { .. }) {
            command.push(format!("--bind={}:/mnt", places.disk_root.display()));
        }
        let (root, prepared) = (self.root.clone(), host.clone());
        Order::new(group, host.console(), command)
            .with_family()
            .with_variable("SYSTEMD_NSPAWN_API_VFS_WRITABLE", "network")
            .after(move || prepare(&root, &prepared))
    }
}

#[async_trait]
impl HostDriver for ContainerDriver {
    async fn start(&self, host: &HostSpec) -> Result<Box<dyn RunningHost>, HostError> {
        if host.defects.clock_offset != 0 {
            return Err(HostError::Unsupported(
                "a container shares this machine's clock: use the lab's VM driver for a clock that is off"
                    .into(),
            ));
        }
        let kept = Kept::start(self.order(host)).await?;
        Ok(Box::new(Container { kept }))
    }

    async fn discard_disk(&self, host: &HostSpec) -> Result<(), HostError> {
        gone(&Places::of(host).image)
    }

    fn configures_itself(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Container {
    kept: Kept,
}

#[async_trait]
impl RunningHost for Container {
    async fn press_power_button(&self) -> Result<(), HostError> {
        self.kept.signal_descendant(NSPAWN, Signal::SIGTERM);
        Ok(())
    }

    async fn cut_power(&self) {
        self.kept.kill().await;
    }

    async fn ended(&self) -> Ended {
        let status = self.kept.ended().await;
        match status.code() {
            Some(0) | None => Ended::Off,
            Some(WANTS_REBOOT) => Ended::Reboot,
            Some(code) => Ended::Broken(format!(
                "systemd-nspawn ended with {code}; see the host's console"
            )),
        }
    }

    fn command(&self, arguments: &[String]) -> Result<Command, HostError> {
        let leader = self
            .leader()
            .ok_or_else(|| HostError::Unsupported("the host has no first process yet".into()))?;
        let mut command = Command::new("nsenter");
        command
            .args(["--all", "--target", &leader.to_string(), "--"])
            .args(arguments);
        Ok(command)
    }

    fn leader(&self) -> Option<u32> {
        // Until it has become the host's init it has not entered the host's root.
        let process = self.kept.descendant(INIT)?;
        let program = std::fs::read_link(format!("/proc/{process}/exe")).ok()?;
        (program.file_name()? == "systemd").then_some(process)
    }

    async fn leave_on_disk(&self, host: &HostSpec, mib: Option<u64>) -> Result<(), HostError> {
        // The disk is mounted where the kept process sees it.
        let seen = PathBuf::from(format!("/proc/{}/root", self.kept.pid()));
        let disk = Places::of(host).disk;
        let disk = seen.join(disk.strip_prefix("/").unwrap_or(&disk));
        let done = tokio::task::spawn_blocking(move || leave(&disk, mib)).await;
        done.unwrap_or_else(|error| Err(HostError::system("fill a disk")(std::io::Error::other(error))))
    }
}
