//! What the registry is to serve, by its digest, until it is unpacked.

use std::fs;
use std::path::Path;

use sovereign_core::registry::NodeRegistry;

use super::layout;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "registry archive";

/// Folder of what has come and is not unpacked yet.
const FOLDER: &str = "/var/lib/sovereign-agent/registry";

/// Where the archive is. It is there only once its digest was right.
pub(super) fn path(registry: &NodeRegistry) -> String {
    format!("{FOLDER}/{}.tar", registry.archive.sha256)
}

pub(super) async fn converge(host: &Host, registry: &NodeRegistry) -> Outcome {
    if layout::is_whole(host, registry).await? {
        return Ok(Done::new(false, "unpacked before"));
    }
    let size = format!("{} MiB", registry.archive.size.div_ceil(1024 * 1024));
    let at = path(registry);
    if host.root.exists(&at) {
        return Ok(Done::new(false, size));
    }
    let came = host.incoming().fetch(&registry.archive).await?;
    disk::folder(&host.root.path(FOLDER), 0o700).or_fault("making", FOLDER)?;
    fs::rename(&came, host.root.path(&at)).or_fault("writing", &at)?;
    Ok(Done::new(true, size))
}

/// Takes away what has come; it is unpacked.
pub(super) fn remove(host: &Host) -> Result<(), Fault> {
    disk::remove_folder(Path::new(&host.root.path(FOLDER))).or_fault("removing", FOLDER)
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    remove(host)
}
