//! The driver for every day: a host is a systemd container with a disk, an init, an sshd and a cloud-init of its own.
//!
//! It shares the kernel with this machine, so its clock, its `vm.*` and `kernel.*` settings and its modules are this
//! machine's and stay as they are; everything under `/proc/sys/net` is its own. Its disk is a sparse file of the size
//! sold, so that `df` tells the truth and a full disk is one.
//! cloud-init reads DMI in virtual machines only; in here it finds the same data through its `NoCloud` source.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command as Program;

use async_trait::async_trait;
use nix::mount::{MsFlags, mount};
use nix::sys::signal::Signal;
use tokio::process::Command;

use super::driver::{Boot, HostSpec};
use super::image::{self, Recipe};
use super::process::{Kept, Order};
use super::{Ended, HostDriver, HostError, RunningHost};

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
}

impl ContainerDriver {
    /// Makes the root file system unless the cache has it.
    pub(crate) async fn new(cache: &Path, slot_name: String) -> Result<Self, HostError> {
        let recipe = Recipe::debian()
            .with_file("etc/cloud/cloud.cfg.d/91-source.cfg", NO_CLOUD)
            .with_file("etc/cloud/cloud.cfg.d/92-network.cfg", NETWORK_IN_PLACE);
        Ok(Self {
            root: image::obtain(cache, &recipe).await?,
            slot_name,
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
            "--hostname=debian",
            // Not the clock, not modules: those are everybody's.
            "--capability=CAP_NET_ADMIN",
        ];
        command.extend(flags.map(str::to_owned));
        command.push(format!("--directory={}", places.root.display()));
        command.push(format!("--machine={}-{}", self.slot_name, host.id));
        command.push(format!("--network-namespace-path=/run/netns/{}", host.namespace));
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
        self.kept.descendant(INIT)
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

/// Where a host's file systems are.
struct Places {
    /// The disk as a file.
    image: PathBuf,
    /// The disk, mounted.
    disk: PathBuf,
    /// The root as the disk has it, seen from a rescue system.
    disk_root: PathBuf,
    /// A rescue system's memory.
    rescue: PathBuf,
    /// The root that boots.
    root: PathBuf,
}

impl Places {
    fn of(host: &HostSpec) -> Self {
        let at = |name| host.directory.join(name);
        Self {
            image: at("disk.ext4"),
            disk: at("disk"),
            disk_root: at("disk-root"),
            rescue: at("rescue"),
            root: at("root"),
        }
    }
}

/// Mounts what the host boots from; runs in the mount namespace that the host goes with.
fn prepare(image: &Path, host: &HostSpec) -> Result<(), HostError> {
    let places = Places::of(host);
    // systemd-nspawn leaves traces there, which go with the namespace.
    memory("/run/systemd/nspawn".as_ref())?;
    let fresh = !places.image.exists();
    if fresh {
        make_disk(&places.image, host.disk_gib)?;
    }
    folder(&places.disk)?;
    program(&["mount", "-o", "loop"], &[&places.image, &places.disk])?;
    let upper = match &host.boot {
        Boot::Rescue { keys } => {
            overlay(image, &places.disk, &places.disk_root)?;
            memory(&places.rescue)?;
            let upper = places.rescue.join("upper");
            write(&upper, "/etc/cloud/cloud-init.disabled", "", 0o644)?;
            write(&upper, "/etc/hostname", "rescue\n", 0o644)?;
            write(
                &upper,
                "/root/.ssh/authorized_keys",
                &(keys.join("\n") + "\n"),
                0o600,
            )?;
            overlay(image, &places.rescue, &places.root)?;
            upper
        }
        Boot::Disk | Boot::Dead => {
            overlay(image, &places.disk, &places.root)?;
            places.disk.join("upper")
        }
    };
    for (path, content) in &host.defects.files {
        match content {
            Some(content) => write(&upper, path, content, 0o644)?,
            None => gone(&upper.join(path.trim_start_matches('/')))?,
        }
    }
    if fresh {
        let servers = host.resolvers.iter();
        let servers = servers.map(|resolver| format!("nameserver {resolver}\n"));
        write(&upper, "/etc/resolv.conf", &servers.collect::<String>(), 0o644)?;
    }
    leave(&places.disk, host.defects.disk_left_mib)
}

/// Fills a mounted disk up but for so many MiB, or gives it its space back. The file that does it is where the host
/// does not see it.
fn leave(disk: &Path, left_mib: Option<u64>) -> Result<(), HostError> {
    let filler = disk.join(FILLER);
    gone(&filler)?;
    let Some(left_mib) = left_mib else {
        return Ok(());
    };
    let failed = |errno: nix::Error| HostError::system(format!("fill {}", disk.display()))(errno.into());
    let space = nix::sys::statvfs::statvfs(disk).map_err(failed)?;
    let free = space.blocks_available() * space.fragment_size() / (1 << 20);
    let length = format!("{}M", free.saturating_sub(left_mib).max(1));
    program(&["fallocate", "--length", &length], &[&filler])
}

/// Name of the file that fills a disk, beside what the host sees of it.
const FILLER: &str = "filler";

fn make_disk(path: &Path, gib: u64) -> Result<(), HostError> {
    let failed = HostError::system(format!("make {}", path.display()));
    File::create_new(path)
        .and_then(|file| file.set_len(gib << 30))
        .map_err(failed)?;
    let options = "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
    program(&["mkfs.ext4", "-q", "-m", "0", "-E", options], &[path])
}

/// A file system over the image whose changes go to `upper` in `store`.
fn overlay(image: &Path, store: &Path, target: &Path) -> Result<(), HostError> {
    let (upper, work) = (store.join("upper"), store.join("work"));
    for path in [&upper, &work, &target.to_path_buf()] {
        folder(path)?;
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={}",
        image.display(),
        upper.display(),
        work.display()
    );
    mount(
        Some("overlay"),
        target,
        Some("overlay"),
        MsFlags::empty(),
        Some(options.as_str()),
    )
    .map_err(|errno| HostError::system(format!("mount {}", target.display()))(errno.into()))
}

/// A file system in memory.
fn memory(target: &Path) -> Result<(), HostError> {
    folder(target)?;
    mount(
        Some("tmpfs"),
        target,
        Some("tmpfs"),
        MsFlags::empty(),
        Some("mode=755"),
    )
    .map_err(|errno| HostError::system(format!("mount {}", target.display()))(errno.into()))
}

fn gone(path: &Path) -> Result<(), HostError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(HostError::system(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

fn folder(path: &Path) -> Result<(), HostError> {
    fs::create_dir_all(path).map_err(HostError::system(format!("make {}", path.display())))
}

/// Writes a file below a root.
fn write(root: &Path, path: &str, content: &str, mode: u32) -> Result<(), HostError> {
    use std::os::unix::fs::PermissionsExt as _;

    let path = root.join(path.trim_start_matches('/'));
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    fs::write(&path, content)
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(mode)))
        .map_err(HostError::system(format!("write {}", path.display())))
}

/// Runs a program on the calling thread, whose namespaces it has.
fn program(words: &[&str], paths: &[&Path]) -> Result<(), HostError> {
    let said = || {
        let paths = paths.iter().map(|path| path.display().to_string());
        let words = words.iter().map(|word| (*word).to_owned());
        words.chain(paths).collect::<Vec<_>>().join(" ")
    };
    let (name, arguments) = words.split_first().unwrap_or((&"true", &[]));
    let output = Program::new(name)
        .args(arguments)
        .args(paths)
        .output()
        .map_err(|source| HostError::system(format!("run `{}`", said()))(source))?;
    if output.status.success() {
        return Ok(());
    }
    Err(HostError::Command {
        command: said(),
        said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
