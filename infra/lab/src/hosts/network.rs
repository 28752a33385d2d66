//! The lab's network: a router, a namespace for each private network, and one for each host, wired like the cloud's.
//!
//! Nothing is bridged: as in the cloud every host is alone on its link, holds a /32, and sees only a gateway.
//! Names a part can count on, for a host or load balancer with number `ID` and a network with number `NET`:
//!
//! | where | link | what |
//! | --- | --- | --- |
//! | router (`slot.router()`) | `pID` | the other end of the host's `eth0`: filter public traffic here |
//! | network (`slot.network(NET)`) | `ID` | the other end of the host's NIC in that network |
//! | host (`slot.host(ID)`) | `eth0`, then `enp7s0`, `enp8s0`, ... | public NIC, private NICs in the API's order |
//!
//! A driver whose hosts configure themselves finds the NICs up and without addresses and bridges them to its taps;
//! the gateways' ends carry 172.31.1.1 and fe80::1 (public), or the network's gateway (private), either way.

use std::net::Ipv4Addr;

/// The on-link gateway of every public NIC.
pub(crate) const PUBLIC_GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 31, 1, 1);
/// Where metadata is served.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Greatest packet of a private network.
pub(crate) const PRIVATE_MTU: u16 = 1450;

/// The name of a host's private NIC by its place.
pub(crate) fn private_nic(place: usize) -> String {
    format!("enp{}s0", 7 + place)
}
