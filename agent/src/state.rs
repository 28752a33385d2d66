//! What the agent keeps on the host's disk, and where.

use serde::Serialize;
use serde::de::DeserializeOwned;
use sovereign_core::host::HostConfig;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::root::Root;

/// Folder of the agent's configuration.
pub const CONFIG_DIR: &str = "/etc/sovereign-agent";
/// Folder of everything else; for root alone.
pub const STATE_DIR: &str = "/var/lib/sovereign-agent";
/// The event ledger.
pub const EVENTS: &str = "/var/lib/sovereign-agent/events.jsonl";
/// What the host is to be. Written before anything is done about it.
pub const DESIRED: &str = "/var/lib/sovereign-agent/desired.json";
/// Digest of the configuration that was applied last and whole.
pub const APPLIED: &str = "/var/lib/sovereign-agent/applied";
/// There once the agent was told to leave.
pub const LEAVING: &str = "/var/lib/sovereign-agent/leaving";
/// Where `link` finds the daemon.
pub const SOCKET: &str = "/run/sovereign-agent/link.sock";

/// Reads the JSON document at `path`, or `None` if there is none.
pub(crate) fn read_json<T: DeserializeOwned>(root: &Root, path: &str) -> Result<Option<T>, Fault> {
    let Some(text) = root.read(path).or_fault("reading", path)? else {
        return Ok(None);
    };
    serde_json::from_str(&text).map(Some).map_err(|error| {
        Fault::new(
            format!("`{path}` cannot be read: {error}"),
            "it was written by another version or damaged: let the installer install the agent again",
        )
    })
}

/// Writes a JSON document that only root can read.
pub(crate) fn write_json<T: Serialize>(root: &Root, path: &str, value: &T) -> Result<(), Fault> {
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| {
        Fault::new(
            format!("`{path}` cannot be written: {error}"),
            "please report this",
        )
    })?;
    disk::write(&root.path(path), &bytes, 0o600).or_fault("writing", path)
}

/// What the host is to be, if an installer ever said.
pub fn desired(root: &Root) -> Result<Option<HostConfig>, Fault> {
    read_json(root, DESIRED)
}

/// Notes what the host is to be.
pub fn set_desired(root: &Root, config: &HostConfig) -> Result<(), Fault> {
    write_json(root, DESIRED, config)
}

/// Digest of the configuration that was applied last and whole.
pub fn applied(root: &Root) -> Result<Option<String>, Fault> {
    let text = root.read(APPLIED).or_fault("reading", APPLIED)?;
    Ok(text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty()))
}

/// Notes that the configuration with this digest is applied, or that none is, whole.
pub fn set_applied(root: &Root, digest: Option<&str>) -> Result<(), Fault> {
    let path = root.path(APPLIED);
    match digest {
        Some(digest) => disk::write(&path, digest.as_bytes(), 0o600),
        None => disk::remove(&path).map(drop),
    }
    .or_fault("writing", APPLIED)
}
