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

use sovereign_core::k3s::{JoinToken, K3sNode};

pub(crate) use self::running::{STARTED_WITH, wants_another_secret};
use crate::converge::part;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::Part;
use crate::state;

/// Where the binary is.
const BINARY: &str = "/usr/local/bin/k3s";
/// Folder of its configuration.
const CONFIG_DIR: &str = "/etc/rancher/k3s";
/// The secret that lets the node in; k3s reads it from here.
const TOKEN: &str = "/etc/rancher/k3s/token";

/// Every part, in the order of work; taking away goes the other way.
pub const PARTS: [Part<K3sNode>; 4] = [part!(binary), part!(config), part!(unit), part!(running)];

/// Lets k3s run as it does, but with another secret, and waits until it is up.
pub(crate) async fn start_with(host: &Host, token: &JoinToken) -> Result<(), Fault> {
    let node: Option<K3sNode> = state::K3S.desired(&host.root)?;
    let mut node = node.ok_or_else(|| {
        Fault::new(
            "nobody has told this host what it is in the cluster",
            "run `sovereign up` again",
        )
    })?;
    node.token = token.clone();
    state::K3S.set_desired(&host.root, &node)?;
    config::converge(host, &node).await?;
    running::converge(host, &node).await.map(drop)
}

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
