//! Which addresses are asked: a stranger's zone must not make us knock at our own network's doors.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Addresses that may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reach {
    /// Those that a server of the public DNS can have.
    Public,
    /// All.
    Any,
}

impl Reach {
    pub(super) fn includes(self, address: IpAddr) -> bool {
        self == Self::Any || is_public(address)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => address
            .to_ipv4_mapped()
            .map_or_else(|| is_public_v6(address), |_| false),
    }
}

/// By the IANA registry of special-purpose addresses (RFC 6890).
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    let shared = first == 100 && second & 0xc0 == 64;
    let benchmark = first == 198 && second & 0xfe == 18;
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || shared
        || benchmark
        || first == 0
        || first >= 224)
}

/// Global unicast is `2000::/3`; of it, `2001:db8::/32` is for documentation and `2002::/16` leads into IPv4.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, ..] = address.segments();
    first & 0xe000 == 0x2000 && (first, second) != (0x2001, 0x0db8) && first != 0x2002
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_public_can_reach_is_public() {
        for public in ["198.41.0.4", "8.8.8.8", "100.128.0.1", "2001:503:ba3e::2:30"] {
            assert!(Reach::Public.includes(public.parse().unwrap()), "{public}");
        }
        for special in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.2.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "::ffff:10.0.0.1",
            "2002:a00:1::",
            "2001:db8::1",
        ] {
            let address = special.parse().unwrap();
            assert!(!Reach::Public.includes(address), "{special}");
            assert!(Reach::Any.includes(address), "{special}");
        }
    }
}
