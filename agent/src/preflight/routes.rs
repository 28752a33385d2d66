//! IPv4 routes of the main table, and the default among them.

use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use sovereign_core::agent::HostCheck;

use super::{failed, fine};
use crate::root::Root;

/// The kernel's flag of a route that refuses: blackhole, unreachable, prohibit.
const REJECT: u32 = 0x200;

/// A route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Route {
    pub(super) to: Ipv4Net,
    /// `None` for a route that refuses.
    pub(super) interface: Option<String>,
    /// `None` where the target is on the link itself.
    pub(super) gateway: Option<Ipv4Addr>,
    pub(super) metric: u32,
}

/// Every route, the one that wins first.
pub(super) fn all(root: &Root) -> Vec<Route> {
    parse(&root.text("/proc/net/route"))
}

/// Reads `/proc/net/route`: addresses are hexadecimal in the host's own byte order.
pub(super) fn parse(text: &str) -> Vec<Route> {
    let mut routes: Vec<Route> = text.lines().skip(1).filter_map(line).collect();
    routes.sort_by_key(|route| (u8::MAX - route.to.prefix_len(), route.metric));
    routes
}

fn line(line: &str) -> Option<Route> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [interface, to, gateway, flags, _, _, metric, mask, ..] = fields[..] else {
        return None;
    };
    let address = |hex: &str| {
        u32::from_str_radix(hex, 16)
            .ok()
            .map(|number| Ipv4Addr::from(number.to_ne_bytes()))
    };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    Some(Route {
        to: Ipv4Net::with_netmask(address(to)?, address(mask)?).ok()?,
        interface: (flags & REJECT == 0 && interface != "*").then(|| interface.to_owned()),
        gateway: address(gateway).filter(|gateway| !gateway.is_unspecified()),
        metric: metric.parse().ok()?,
    })
}

/// The default route that wins.
pub(super) fn default_of(routes: &[Route]) -> Option<&Route> {
    routes
        .iter()
        .find(|route| route.to.prefix_len() == 0 && route.interface.is_some())
}

pub(super) fn default_route(routes: &[Route]) -> HostCheck {
    match default_of(routes) {
        Some(Route {
            interface: Some(interface),
            gateway,
            ..
        }) => {
            let via = gateway.map_or_else(|| "on the link".to_owned(), |gateway| format!("via {gateway}"));
            fine("default-route", format!("{via} on {interface}"))
        }
        _ => failed(
            "default-route",
            "none",
            "the host cannot answer anyone outside its own networks",
            "see that the public interface is up, or that the private network has a route to a NAT gateway",
        ),
    }
}
