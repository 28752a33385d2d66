//! What a container boots from: a disk of its own laid over the root that all share, mounted where nobody else sees it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use nix::mount::{MsFlags, mount};

use crate::hosts::HostError;
use crate::hosts::driver::{Boot, HostSpec};

/// Where a host's file systems are.
pub(super) struct Places {
    /// The disk as a file.
    pub(super) image: PathBuf,
    /// The disk, mounted.
    pub(super) disk: PathBuf,
    /// The root as the disk has it, seen from a rescue system.
    pub(super) disk_root: PathBuf,
    /// A rescue system's memory.
    pub(super) rescue: PathBuf,
    /// The root that boots.
    pub(super) root: PathBuf,
}

impl Places {
    pub(super) fn of(host: &HostSpec) -> Self {
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
pub(super) fn prepare(image: &Path, host: &HostSpec) -> Result<(), HostError> {
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
pub(super) fn leave(disk: &Path, left_mib: Option<u64>) -> Result<(), HostError> {
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

pub(super) fn gone(path: &Path) -> Result<(), HostError> {
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
    let output = Command::new(name)
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
