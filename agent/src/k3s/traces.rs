//! What k3s itself leaves on a host: mounts and data. It goes with k3s, and only where k3s was ours.

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::systemd;

/// Folders whose mounts are k3s' own.
const MOUNTED: [&str; 4] = [
    "/run/k3s",
    "/var/lib/kubelet",
    "/run/netns/cni-",
    "/var/lib/rancher",
];
/// Folders of its data.
const FOLDERS: [&str; 6] = [
    "/var/lib/rancher",
    "/etc/rancher",
    "/var/lib/kubelet",
    "/run/k3s",
    "/var/lib/cni",
    "/etc/cni",
];

pub(super) async fn remove(host: &Host) -> Result<(), Fault> {
    let remedy = "see what holds it: `findmnt` and `fuser -m` on the host; the agent tries again by itself";
    for mount in mounts(&host.root.text("/proc/mounts")) {
        // The agent is in a sandbox with mounts of its own; the host's are systemd's to undo.
        systemd::outside(host, &["umount", "--lazy", &mount], remedy).await?;
    }
    for folder in FOLDERS {
        disk::remove_folder(&host.root.path(folder)).or_fault("removing", folder)?;
    }
    Ok(())
}

/// Mount points below k3s' folders, the innermost first.
fn mounts(table: &str) -> Vec<String> {
    let mut mounts: Vec<String> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(1))
        .filter(|point| MOUNTED.iter().any(|folder| point.starts_with(folder)))
        .map(str::to_owned)
        .collect();
    mounts.sort_by_key(|point| std::cmp::Reverse(point.len()));
    mounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_innermost_mount_goes_first_and_others_stay() {
        let table = "proc /proc proc rw 0 0\n\
                     tmpfs /var/lib/kubelet/pods/1/volumes/x tmpfs rw 0 0\n\
                     overlay /run/k3s/containerd/a overlay rw 0 0\n\
                     /dev/sda1 / ext4 rw 0 0\n";
        assert_eq!(
            mounts(table),
            ["/var/lib/kubelet/pods/1/volumes/x", "/run/k3s/containerd/a"]
        );
    }
}
