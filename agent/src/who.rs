//! Who this host is: which boot, which system, which agent.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;

const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
const MACHINE_ID: &str = "/etc/machine-id";
const OWN_BINARY: &str = "/proc/self/exe";

/// Who this host is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Who {
    /// The kernel's random number of this boot. In a container: of the boot of the machine around it, and of the container's.
    pub(crate) boot_id: String,
    /// SHA-256 of the machine id, which itself must not leave the host (machine-id(5)).
    pub(crate) host_id: String,
    /// SHA-256 of the running agent's binary.
    pub(crate) binary: String,
}

impl Who {
    /// Looks at the host.
    pub(crate) fn of(root: &Root) -> Result<Self, Fault> {
        Ok(Self {
            boot_id: boot_id(root),
            host_id: hex::encode(Sha256::digest(format!(
                "sovereign {}",
                root.text(MACHINE_ID).trim()
            ))),
            binary: disk::digest(Path::new(OWN_BINARY)).or_fault("reading", OWN_BINARY)?,
        })
    }
}

fn boot_id(root: &Root) -> String {
    let kernel = root.text(BOOT_ID).trim().to_owned();
    if !root.in_container() {
        return kernel;
    }
    // Containers share the kernel's number. The first process of a container starts anew at each of its boots.
    let first = root.text("/proc/1/stat");
    let after_name = first.rsplit(')').next().unwrap_or_default();
    let started = after_name.split_whitespace().nth(19).unwrap_or_default();
    format!("{kernel}-{started}")
}
