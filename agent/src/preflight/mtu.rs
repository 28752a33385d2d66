//! MTU of the interfaces: too small a one breaks the pods' own tunnels.

use sovereign_core::agent::HostCheck;

use super::interface::Interface;
use super::{fine, warning};

/// Room for IPv6's least MTU, 1280, inside a VXLAN with IPv4 outside: 50 bytes more.
const LEAST: u32 = 1330;

pub(super) fn check(interfaces: &[Interface], private: Option<&Interface>) -> HostCheck {
    let used: Vec<&Interface> = match private {
        Some(nic) => vec![nic],
        None => interfaces.iter().collect(),
    };
    let seen = used
        .iter()
        .map(|nic| format!("{} {}", nic.name, nic.mtu))
        .collect::<Vec<_>>()
        .join(", ");
    if used.iter().all(|nic| nic.mtu >= LEAST) {
        return fine("mtu", seen);
    }
    let reason = format!("packets between pods need at least {LEAST} bytes");
    warning(
        "mtu",
        seen,
        &reason,
        "raise the MTU of the network the nodes share",
    )
}
