//! The node's registry: what the installer brought, unpacked and served to this node and its pods by a service of its own. It needs
//! neither the daemon nor k3s, and is there before k3s is.
#![expect(
    clippy::unused_async,
    reason = "parts have one shape, whether or not they wait for a command"
)]

mod archive;
mod certificate;
pub(crate) mod layout;
mod running;
mod serve;
mod unit;

use sovereign_core::registry::NodeRegistry;

use crate::converge::part;
use crate::part::Part;

pub use serve::serve;
pub(crate) use unit::{UNIT, is_ours};

/// Folder of the registry's configuration.
pub(crate) const CONFIG_DIR: &str = "/etc/sovereign-agent/registry";
/// The Sovereign's CA for registries, for containerd and for people.
pub const CA: &str = "/etc/sovereign-agent/registry/ca.pem";

/// Every part, in the order of work; taking away goes the other way.
pub const PARTS: [Part<NodeRegistry>; 5] = [
    part!(archive),
    part!(layout),
    part!(certificate),
    part!(unit),
    part!(running),
];

#[cfg(test)]
mod tests;
