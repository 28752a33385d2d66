//! A server's disk: an overlay of the image, or, where something has to be put on it beforehand, a disk of its own.
//!
//! Files are put on a disk by `debugfs`, so nothing is ever mounted here.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::image::Image;
use crate::hosts::driver::Boot;
use crate::hosts::{HostError, HostSpec, command};

/// Blocks of 4 KiB in a MiB.
const BLOCKS_PER_MIB: u64 = 256;
/// Takes the space on a disk that is to be full.
const FILLER: &str = "/var/filler";
/// A rescue system asks for its address itself, and has the server's disk at `/mnt`.
const RESCUE_NIC: &str = "allow-hotplug enp1s0\niface enp1s0 inet dhcp\n";

/// A disk in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) path: PathBuf,
    pub(super) format: &'static str,
}

/// A machine's disks; it boots from the first.
pub(super) type Disks = Vec<Disk>;

/// How the machine sees a disk by its place. Letters go to whichever is found first, and a volume may be.
pub(super) fn seen(place: usize) -> String {
    format!("/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_disk{place}")
}

fn overlay(host: &HostSpec) -> Disk {
    Disk {
        path: host.directory.join("disk.qcow2"),
        format: "qcow2",
    }
}

fn own(host: &HostSpec) -> Disk {
    Disk {
        path: host.directory.join("disk.raw"),
        format: "raw",
    }
}

/// Makes ready what the host boots from.
pub(super) async fn prepare(host: &HostSpec, image: &Image) -> Result<Disks, HostError> {
    let disk = server_disk(host, image).await?;
    match &host.boot {
        Boot::Rescue { keys } => Ok(vec![rescue(host, image, keys).await?, disk]),
        Boot::Disk | Boot::Dead => Ok(vec![disk]),
    }
}

async fn server_disk(host: &HostSpec, image: &Image) -> Result<Disk, HostError> {
    let (overlay, own) = (overlay(host), own(host));
    if !own.path.exists() && !overlay.path.exists() {
        let (base, path) = (text(&image.disk), text(&overlay.path));
        let size = format!("{}G", host.disk_gib);
        let line = [
            "create", "-q", "-f", "qcow2", "-b", &base, "-F", "raw", &path, &size,
        ];
        command::run("qemu-img", line).await?;
    }
    let spoiled = !host.defects.files.is_empty() || host.defects.disk_left_mib.is_some();
    if spoiled && !own.path.exists() {
        let (from, to) = (text(&overlay.path), text(&own.path));
        command::run("qemu-img", ["convert", "-O", "raw", &from, &to]).await?;
        remove(&overlay.path)?;
    }
    if !own.path.exists() {
        return Ok(overlay);
    }
    check(&own.path).await?;
    put(&own.path, &host.defects.files, 0o644).await?;
    fill(&own.path, host.defects.disk_left_mib).await?;
    Ok(own)
}

/// A fresh system that the keys open for root.
async fn rescue(host: &HostSpec, image: &Image, keys: &[String]) -> Result<Disk, HostError> {
    let path = host.directory.join("rescue.raw");
    let (from, to) = (text(&image.disk), text(&path));
    command::run("cp", ["--sparse=always", &from, &to]).await?;
    let file = |path: &str, content: String| (path.to_owned(), Some(content));
    let files = [
        file("/root/.ssh/authorized_keys", keys.join("\n") + "\n"),
        file("/etc/cloud/cloud-init.disabled", String::new()),
        file("/etc/hostname", "rescue\n".into()),
        file("/etc/network/interfaces.d/50-rescue", RESCUE_NIC.into()),
        file("/etc/fstab", format!("{} /mnt ext4 nofail 0 0\n", seen(1))),
    ];
    put(&path, &files, 0o600).await?;
    Ok(Disk { path, format: "raw" })
}

/// Throws a server's disk away.
pub(super) fn discard(host: &HostSpec) -> Result<(), HostError> {
    remove(&overlay(host).path)?;
    remove(&own(host).path)
}

/// Writes what a power cut left in the journal; only then may the disk be changed.
async fn check(disk: &Path) -> Result<(), HostError> {
    let repair = r#"e2fsck -fy "$1" >/dev/null || test "$?" -eq 1; resize2fs "$1""#;
    command::run("sh", ["-c", repair, "lab", &text(disk)]).await?;
    Ok(())
}

/// Puts files on a disk, and takes those without content off it.
async fn put(disk: &Path, files: &[(String, Option<String>)], mode: u32) -> Result<(), HostError> {
    let source = |place: usize| disk.with_extension(format!("file{place}"));
    let mut script = String::new();
    for (place, (path, content)) in files.iter().enumerate() {
        let _ = writeln!(script, "rm \"{path}\"");
        let Some(content) = content else {
            continue;
        };
        write(&source(place), content, mode)?;
        for folder in folders(path) {
            let _ = writeln!(script, "mkdir \"{folder}\"");
        }
        let _ = writeln!(script, "write \"{}\" \"{path}\"", source(place).display());
    }
    let written = debugfs(disk, &script).await;
    for place in 0..files.len() {
        remove(&source(place))?;
    }
    written?;
    for (path, content) in files {
        let found = debugfs(disk, &format!("stat \"{path}\"\n")).await?;
        if found.contains("Type: regular") != content.is_some() {
            let why = io::Error::other("debugfs did not");
            return Err(HostError::system(format!("change {path} on {}", disk.display()))(
                why,
            ));
        }
    }
    Ok(())
}

/// The folders above a path, from the top.
fn folders(path: &str) -> Vec<&str> {
    let ends = path.match_indices('/').map(|(index, _)| index);
    ends.filter(|end| *end > 0).map(|end| &path[..end]).collect()
}

fn write(path: &Path, content: &str, mode: u32) -> Result<(), HostError> {
    use std::os::unix::fs::PermissionsExt as _;
    let failed = HostError::system(format!("write {}", path.display()));
    fs::write(path, content)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(failed)
}

/// Takes all free blocks but some, or gives them back.
async fn fill(disk: &Path, left_mib: Option<u64>) -> Result<(), HostError> {
    let empty = left_mib.map(|_| String::new());
    put(disk, &[(FILLER.into(), empty)], 0o600).await?;
    let Some(left_mib) = left_mib else {
        return Ok(());
    };
    let spare = left_mib * BLOCKS_PER_MIB;
    if let Some(last) = free_blocks(disk).await?.saturating_sub(spare).checked_sub(1) {
        debugfs(disk, &format!("fallocate {FILLER} 0 {last}\n")).await?;
    }
    Ok(())
}

async fn free_blocks(disk: &Path) -> Result<u64, HostError> {
    let stats = debugfs(disk, "stats -h\n").await?;
    let free = stats.lines().find_map(|line| line.strip_prefix("Free blocks:"));
    Ok(free.and_then(|text| text.trim().parse().ok()).unwrap_or_default())
}

async fn debugfs(disk: &Path, script: &str) -> Result<String, HostError> {
    command::feed("debugfs", ["-w", "-f", "-", &text(disk)], script).await
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

fn remove(path: &Path) -> Result<(), HostError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(HostError::system(format!("remove {}", path.display()))(error))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn file_system(folder: &Path) -> PathBuf {
        let disk = folder.join("disk.raw");
        command::run("mke2fs", ["-q", "-t", "ext4", "-b", "4096", &text(&disk), "64M"])
            .await
            .expect("a file system");
        disk
    }

    #[tokio::test]
    async fn files_come_and_go() {
        let scratch = tempfile::tempdir().expect("a directory");
        let disk = file_system(scratch.path()).await;
        let path = "/etc/systemd/system/a b.conf".to_owned();
        for content in ["first", "second"] {
            let files = [(path.clone(), Some(content.to_owned()))];
            put(&disk, &files, 0o640).await.expect("put");
            let script = format!("cat \"{path}\"\n");
            let read = debugfs(&disk, &script).await.expect("read");
            assert!(read.contains(content), "{read}");
        }
        let stat = debugfs(&disk, &format!("stat \"{path}\"\n")).await.expect("stat");
        assert!(stat.contains("Mode:  0640"), "{stat}");
        put(&disk, &[(path.clone(), None)], 0).await.expect("taken off");
        check(&disk).await.expect("a sound file system");
        assert_eq!(fs::read_dir(scratch.path()).expect("a list").count(), 1);
    }

    #[tokio::test]
    async fn a_disk_is_filled_and_emptied() {
        let scratch = tempfile::tempdir().expect("a directory");
        let disk = file_system(scratch.path()).await;
        let before = free_blocks(&disk).await.expect("a number");
        fill(&disk, Some(5)).await.expect("filled");
        let left = free_blocks(&disk).await.expect("a number");
        assert!(left.abs_diff(5 * BLOCKS_PER_MIB) < 8, "{left}");
        fill(&disk, None).await.expect("emptied");
        let after = free_blocks(&disk).await.expect("a number");
        assert!(after.abs_diff(before) < 8, "{before} {after}");
        check(&disk).await.expect("a sound file system");
    }
}
