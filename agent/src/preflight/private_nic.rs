//! The interface in the private network. Clouds now and then boot a server without it.

use std::net::IpAddr;

use sovereign_core::agent::{HostCheck, PreflightOrder};

use super::interface::Interface;
use super::{failed, fine};

/// The interface that has the address the cloud assigned, or else one in the private range.
pub(super) fn find<'a>(interfaces: &'a [Interface], order: &PreflightOrder) -> Option<&'a Interface> {
    let with = |test: &dyn Fn(&IpAddr) -> bool| interfaces.iter().find(|nic| nic.has(test));
    if let Some(assigned) = &order.private_address {
        return with(&|address| address == assigned);
    }
    let range = order.private_range?;
    with(&|address| matches!(address, IpAddr::V4(address) if range.contains(address)))
}

/// Whether the network is at the other end of it.
pub(super) fn link(private: &Interface) -> HostCheck {
    if !private.no_carrier() {
        return fine("private-link", "up");
    }
    failed(
        "private-link",
        format!("{} has no carrier", private.name),
        "the host has its private address and nobody can reach it there",
        "see the cloud's status page; detach the server from the private network and attach it again",
    )
}

pub(super) fn check(
    interfaces: &[Interface],
    private: Option<&Interface>,
    order: &PreflightOrder,
) -> HostCheck {
    if let Some(nic) = private {
        return fine("private-interface", format!("{} ({})", nic.name, nic.mac));
    }
    let wanted = match (&order.private_address, &order.private_range) {
        (Some(address), _) => address.to_string(),
        (None, Some(range)) => format!("an address in {range}"),
        (None, None) => return fine("private-interface", "none, and none is planned"),
    };
    let idle: Vec<&str> = interfaces
        .iter()
        .filter(|nic| !nic.has(IpAddr::is_ipv4))
        .map(|nic| nic.name.as_str())
        .collect();
    let reason = format!("no interface has {wanted}: the host cannot reach its Sovereign");
    let (seen, remedy) = if idle.is_empty() {
        (
            "no interface for it".to_owned(),
            "detach the server from the private network and attach it again, or destroy and rebuild it",
        )
    } else {
        (
            format!("interfaces without an address: {}", idle.join(", ")),
            "see that the private network's DHCP answers: `networkctl status` on the host; then reboot it",
        )
    };
    failed("private-interface", seen, &reason, remedy)
}
