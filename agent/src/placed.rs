//! What the agent put on the host, and what was there before: enough to take all of it away again.
//!
//! An entry is on disk before its file is, so that nothing of ours is ever forgotten, whenever the power goes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Where the list is.
pub const PLACED: &str = "/var/lib/sovereign-agent/placed.json";
/// Folder of what was there before.
pub(crate) const BEFORE_DIR: &str = "/var/lib/sovereign-agent/before";

/// Everything of ours on this host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Placed {
    /// Files, by absolute path.
    pub files: BTreeMap<String, PlacedFile>,
    /// The host's name before us.
    pub hostname: Option<String>,
    /// Kernel parameters before us.
    pub sysctl: BTreeMap<String, String>,
    /// We switched swap off.
    pub swap: bool,
    /// Units of the system's own that we switched on, as they were before us.
    pub units: BTreeMap<String, UnitBefore>,
    /// Lines that let a key in before us, and that are ours to keep or to drop as long as we are here.
    pub authorized: Vec<String>,
    /// Paths of files that were changed, and that the programs they are for have yet to read.
    pub due: BTreeSet<String>,
}

/// A file of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedFile {
    /// The sub-step that wants it.
    pub part: String,
    /// What was there before, if anything.
    pub before: Option<Before>,
    /// Folders that were made for it, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub folders: Vec<String>,
}

/// A file that was there before ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Before {
    /// Its permission bits.
    pub mode: u32,
    /// Where its content is kept.
    pub kept_at: String,
}

/// A unit as it was before us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnitBefore {
    /// It started at boot.
    pub enabled: bool,
    /// It was active.
    pub active: bool,
}
