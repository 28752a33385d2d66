//! The image machines start from: the lab's Debian with a kernel, as a file system in a file.

use std::fs;
use std::path::{Path, PathBuf};

use crate::hosts::image::{Recipe, obtain};
use crate::hosts::{HostError, command, tools};

/// What a machine needs beyond a container: a kernel, and the network tools of the cloud's own Debian image.
const PACKAGES: [&str; 4] = [
    "ifupdown",
    "initramfs-tools",
    "isc-dhcp-client",
    "linux-image-cloud-amd64",
];
/// cloud-init sets up the public NIC. Private ones ask for their addresses, as the cloud's own images have them do.
const PRIVATE_NICS: &str = "allow-hotplug enp7s0 enp8s0 enp9s0\niface enp7s0 inet dhcp\niface enp8s0 inet dhcp\n\
                            iface enp9s0 inet dhcp\n";
/// As the cloud's own images have it: root by key. Of all datasources only the true one is looked for.
const CLOUD_INIT: &str = "disable_root: false\ndatasource_list: [Hetzner, None]\n";
/// The image's size. A machine's own disk is larger, and its file system grows at the first boot.
const SIZE: &str = "3G";
const TOOLS: [&str; 6] = [
    "qemu-system-x86_64",
    "qemu-img",
    "mke2fs",
    "debugfs",
    "e2fsck",
    "resize2fs",
];

/// The image and its kernel.
#[derive(Debug, Clone)]
pub(super) struct Image {
    /// A raw file system.
    pub(super) disk: PathBuf,
    pub(super) kernel: PathBuf,
    pub(super) initrd: PathBuf,
}

impl Image {
    /// Finds the image in the cache, or makes it.
    pub(super) async fn obtain(cache: &Path) -> Result<Self, HostError> {
        let recipe = Recipe::debian()
            .with_packages(&PACKAGES)
            .with_file("etc/cloud/cloud.cfg.d/90-lab.cfg", CLOUD_INIT)
            .with_file("etc/network/interfaces.d/60-private-nics", PRIVATE_NICS);
        let root = obtain(cache, &recipe).await?;
        let disk = root.with_extension("disk");
        if !disk.exists() {
            make(&root, &disk).await?;
        }
        let boot = root.join("boot");
        Ok(Self {
            disk,
            kernel: find(&boot, "vmlinuz-")?,
            initrd: find(&boot, "initrd.img-")?,
        })
    }
}

/// Fills a file system without mounting it. Whoever is faster puts it into the cache; both are the same.
async fn make(root: &Path, disk: &Path) -> Result<(), HostError> {
    let fresh = disk.with_extension(format!("disk-{}", std::process::id()));
    let (from, to) = (root.display().to_string(), fresh.display().to_string());
    let _ = fs::remove_file(&fresh);
    command::run("mke2fs", ["-q", "-t", "ext4", "-d", &from, &to, SIZE]).await?;
    let failed = HostError::system(format!("put {} into the cache", disk.display()));
    fs::rename(&fresh, disk).map_err(failed)
}

fn find(boot: &Path, prefix: &str) -> Result<PathBuf, HostError> {
    let missing = || std::io::Error::new(std::io::ErrorKind::NotFound, format!("no {prefix}* there"));
    let found = fs::read_dir(boot).and_then(|entries| {
        let mut names = entries.flatten().map(|entry| entry.path());
        let is_it = |path: &PathBuf| {
            path.file_name()
                .is_some_and(|n| n.to_string_lossy().starts_with(prefix))
        };
        names.find(is_it).ok_or_else(missing)
    });
    found.map_err(HostError::system(format!("look into {}", boot.display())))
}

/// Says what has to be installed.
pub(super) fn need_tools() -> Result<(), HostError> {
    let missing = TOOLS.iter().filter(|tool| tools::find(tool).is_none());
    let missing: Vec<&str> = missing.copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(HostError::ToolsMissing {
        programs: missing.join(", "),
        packages: "qemu-system-x86 qemu-utils e2fsprogs".into(),
    })
}
