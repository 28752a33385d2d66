//! A load balancer's place in the network: its own namespace, like a host's.

use std::str::FromStr;

use ipnet::Ipv4Net;
use serde_json::Value;

use crate::hosts::driver::{PrivateNic, PublicNic};
use crate::hosts::network::Wiring;

/// How a load balancer of the API is wired.
pub(super) fn wiring(id: u64, balancer: &Value, networks: &[Value]) -> Wiring {
    let nics = balancer["private_net"].as_array().into_iter().flatten();
    Wiring {
        id,
        public: public(id, &balancer["public_net"]),
        private: nics.filter_map(|nic| private(id, nic, networks)).collect(),
        configured: true,
    }
}

fn public(id: u64, net: &Value) -> Option<PublicNic> {
    let nic = PublicNic {
        mac: mac(0x96, id),
        ipv4: address(&net["ipv4"]),
        ipv6: address(&net["ipv6"]),
    };
    let reachable = nic.ipv4.is_some() || nic.ipv6.is_some();
    (reachable && net["enabled"] != false).then_some(nic)
}

fn address<A: FromStr>(net: &Value) -> Option<A> {
    net["ip"].as_str()?.parse().ok()
}

fn private(id: u64, nic: &Value, networks: &[Value]) -> Option<PrivateNic> {
    let network = networks.iter().find(|net| net["id"] == nic["network"])?;
    let range: Ipv4Net = network["ip_range"].as_str()?.parse().ok()?;
    Some(PrivateNic {
        network: nic["network"].as_u64()?,
        mac: mac(0x86, id),
        ipv4: address(nic)?,
        gateway: range.hosts().next()?,
        range,
    })
}

fn mac(first: u8, id: u64) -> String {
    let [.., a, b, c] = id.to_be_bytes();
    format!("{first:02x}:00:00:{a:02x}:{b:02x}:{c:02x}")
}
