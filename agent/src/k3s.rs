//! The parts of what a host runs of the cluster. k3s comes as one binary from the installer: no script of anybody's is run,
//! and its configuration, its unit and its data are where k3s' own installer would have put them.
#![expect(
    clippy::unused_async,
    reason = "parts have one shape, whether or not they wait for a command"
)]

mod binary;
mod config;
mod registries;
mod running;
mod traces;
mod unit;

use sovereign_core::k3s::K3sNode;

pub(crate) use self::running::STARTED_WITH;
use crate::converge::part;
use crate::part::Part;

/// Where the binary is.
const BINARY: &str = "/usr/local/bin/k3s";
/// Folder of its configuration.
const CONFIG_DIR: &str = "/etc/rancher/k3s";
/// The secret that lets the node in; k3s reads it from here.
const TOKEN: &str = "/etc/rancher/k3s/token";

/// Every part, in the order of work; taking away goes the other way.
pub const PARTS: [Part<K3sNode>; 4] = [part!(binary), part!(config), part!(unit), part!(running)];

/// Name of the unit, as k3s' own installer has it.
fn unit_name(node: &K3sNode) -> &'static str {
    if node.role.is_server() {
        unit::SERVER
    } else {
        unit::AGENT
    }
}

#[cfg(test)]
mod tests;
