//! Driver two: QEMU machines that look like the cloud's, with firmware, a boot loader's place, a clock and real disks.
//!
//! SMBIOS says `Hetzner` and the server's number, so cloud-init finds its true datasource. The disk is a copy-on-write
//! overlay of an image made from the same Debian as the containers' root, and a kernel. NICs are taps, bridged to the
//! ends the lab's network has wired; a DHCP server answers on each. Without KVM everything runs by emulation, some
//! thirty times slower.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use tokio::net::UnixListener;
use tokio::process::Command;
use tokio_util::task::AbortOnDropHandle;

use super::dhcp::Responder;
use super::driver::Boot;
use super::process::{Kept, Order};
use super::{Ended, HostDriver, HostError, HostSpec, RunningHost};

mod accelerator;
mod arguments;
mod disk;
mod image;
mod machines;
mod nic;
mod qmp;

pub(crate) use machines::{Machine, Machines};

use accelerator::Accelerator;
use image::Image;
use qmp::Qmp;

/// How long QEMU may take from its start to its greeting.
const GREETING: Duration = Duration::from_secs(30);
/// Most characters of QEMU's last words that an error carries.
const LAST_WORDS: usize = 500;

/// Runs servers as QEMU machines.
#[derive(Debug)]
pub(crate) struct VmDriver {
    /// The lab's name, for control groups.
    lab: String,
    machines: Arc<Machines>,
    image: Image,
    accelerator: Accelerator,
}

impl VmDriver {
    /// Runs the machines of the lab of that name. Returns when there is an image in `cache`, which takes minutes the
    /// first time, and when it is known what executes it.
    pub(crate) async fn new(cache: &Path, lab: impl Into<String>) -> Result<Self, HostError> {
        image::need_tools()?;
        let image = Image::obtain(cache).await?;
        let accelerator = Accelerator::probe(&image).await;
        Ok(Self {
            lab: lab.into(),
            machines: Arc::default(),
            image,
            accelerator,
        })
    }

    /// The machines that run, for those who plug things into them.
    pub(crate) fn machines(&self) -> Arc<Machines> {
        self.machines.clone()
    }

    async fn run(&self, host: &HostSpec, arguments: Vec<String>) -> Result<(Kept, Qmp), HostError> {
        let path = arguments::control_socket(host);
        let _ = fs::remove_file(&path);
        // QEMU calls us, so that nobody has to wait for its socket to appear.
        let failed = HostError::system(format!("listen on {}", path.display()));
        let listener = UnixListener::bind(&path).map_err(failed)?;
        let group = format!("{}/{}", self.lab, host.id);
        let order = Order::new(group, log(host), arguments).within(host.namespace.clone());
        let process = Kept::start(order).await?;
        let greeted = tokio::select! {
            greeted = tokio::time::timeout(GREETING, Qmp::accept(&listener)) => greeted.ok(),
            _ = process.ended() => None,
        };
        match greeted {
            Some(qmp) => Ok((process, qmp?)),
            None => Err(HostError::Command {
                command: "qemu-system-x86_64".into(),
                said: last_words(host),
            }),
        }
    }
}

#[async_trait]
impl HostDriver for VmDriver {
    async fn start(&self, host: &HostSpec) -> Result<Box<dyn RunningHost>, HostError> {
        let disks = disk::prepare(host, &self.image).await?;
        let responders = nic::plug(host).await?;
        let arguments = arguments::command_line(host, &self.image, self.accelerator, &disks);
        let (process, qmp) = self.run(host, arguments).await?;
        let machine = Arc::new(Machine::new(process.pid(), qmp));
        self.machines.insert(host.id, &machine);
        let power = power_on(host, machine.clone()).await?;
        Ok(Box::new(Vm {
            host: host.clone(),
            process,
            machine,
            cut: AtomicBool::new(false),
            _responders: responders,
            _power: power,
        }))
    }

    async fn discard_disk(&self, host: &HostSpec) -> Result<(), HostError> {
        disk::discard(host)
    }

    fn configures_itself(&self) -> bool {
        true
    }
}

/// A machine is started at rest. It goes on at once, later, or, where it is dead, never.
async fn power_on(
    host: &HostSpec,
    machine: Arc<Machine>,
) -> Result<Option<AbortOnDropHandle<()>>, HostError> {
    if host.boot == Boot::Dead {
        return Ok(None);
    }
    let pause = Duration::from_secs(host.defects.slow_seconds);
    if pause.is_zero() {
        machine.execute("cont", json!({})).await?;
        return Ok(None);
    }
    let later = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        // A machine that was switched off meanwhile has nothing to go on with.
        let _ = machine.execute("cont", json!({})).await;
    });
    Ok(Some(AbortOnDropHandle::new(later)))
}

/// A machine that runs.
#[derive(Debug)]
struct Vm {
    host: HostSpec,
    process: Kept,
    machine: Arc<Machine>,
    cut: AtomicBool,
    _responders: Vec<Responder>,
    _power: Option<AbortOnDropHandle<()>>,
}

#[async_trait]
impl RunningHost for Vm {
    async fn press_power_button(&self) -> Result<(), HostError> {
        self.machine
            .execute("system_powerdown", json!({}))
            .await
            .map(|_| ())
    }

    async fn cut_power(&self) {
        self.cut.store(true, Ordering::Relaxed);
        self.process.kill().await;
    }

    async fn ended(&self) -> Ended {
        let status = self.process.ended().await;
        if self.cut.load(Ordering::Relaxed) {
            return Ended::Off;
        }
        match self.machine.shutdown_reason().await.as_deref() {
            Some("guest-reset") => Ended::Reboot,
            Some(_) => Ended::Off,
            None => Ended::Broken(format!("QEMU ended with {status}: {}", last_words(&self.host))),
        }
    }

    fn command(&self, _arguments: &[String]) -> Result<Command, HostError> {
        Err(HostError::Unsupported(format!(
            "server {} is a machine of its own: log in by SSH, or read {}",
            self.host.id,
            self.host.console().display()
        )))
    }

    fn leader(&self) -> Option<u32> {
        None
    }
}

/// Where QEMU itself complains.
fn log(host: &HostSpec) -> PathBuf {
    host.directory.join("qemu.log")
}

fn last_words(host: &HostSpec) -> String {
    let said = fs::read_to_string(log(host)).unwrap_or_default();
    let said = said.trim();
    let start = said
        .char_indices()
        .rev()
        .nth(LAST_WORDS)
        .map_or(0, |(index, _)| index);
    said[start..].to_owned()
}
