//! What real hosts need of this machine, looked at before anything is made.

use std::collections::BTreeSet;
use std::env;
use std::path::{Path, PathBuf};

use nix::unistd::Uid;

use super::HostError;

/// Programs, and Debian's packages that carry them.
const PROGRAMS: [(&str, &str); 11] = [
    ("fallocate", "util-linux"),
    ("haproxy", "haproxy"),
    ("ip", "iproute2"),
    ("mkfs.ext4", "e2fsprogs"),
    ("mmdebstrap", "mmdebstrap"),
    ("mount", "mount"),
    ("nft", "nftables"),
    ("nsenter", "util-linux"),
    ("setpriv", "util-linux"),
    ("systemd-nspawn", "systemd-container"),
    ("unshare", "util-linux"),
];
/// Where programs for root are, whether or not the search path says so.
const SYSTEM: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Says what is missing.
pub(crate) fn check() -> Result<(), HostError> {
    if !Uid::effective().is_root() {
        return Err(HostError::NotRoot);
    }
    let missing: Vec<_> = PROGRAMS
        .iter()
        .filter(|(program, _)| find(program).is_none())
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let programs: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
    let packages: BTreeSet<&str> = missing.iter().map(|(_, package)| *package).collect();
    Err(HostError::ToolsMissing {
        programs: programs.join(", "),
        packages: packages.into_iter().collect::<Vec<_>>().join(" "),
    })
}

/// Where a program is.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = env::split_paths(&path).chain(SYSTEM.iter().map(PathBuf::from));
    folders
        .map(|folder| folder.join(program))
        .find(|candidate: &PathBuf| Path::is_file(candidate))
}
