//! Room on the root file system.

use nix::sys::statvfs::statvfs;
use sovereign_core::agent::{HostCheck, PreflightOrder};

use super::{failed, fine};
use crate::root::Root;

pub(super) fn check(root: &Root, order: &PreflightOrder) -> HostCheck {
    let remedy = "free room on the root file system, or choose a server type with a larger disk";
    let least = order.min_free_disk_mib;
    match statvfs(root.as_path()) {
        Ok(disk) => {
            #[expect(
                clippy::useless_conversion,
                reason = "the width of these differs between targets"
            )]
            let free = u64::from(disk.blocks_available()) * u64::from(disk.fragment_size()) / 1024 / 1024;
            let seen = format!("{free} MiB free");
            if free >= least {
                fine("disk", seen)
            } else {
                failed("disk", seen, &format!("this role needs {least} MiB"), remedy)
            }
        }
        Err(error) => failed(
            "disk",
            error.to_string(),
            "the root file system cannot be looked at",
            remedy,
        ),
    }
}
