//! Where a server answers, from its own settings and the address of its API.

use std::net::{IpAddr, SocketAddr};

/// Addresses to ask. `listens_on` is the setting `local-address`: addresses with or without a port, apart by commas or spaces.
/// An address that means the server's own machine is replaced by the one that its API was reached at.
pub(super) fn answers_at(listens_on: &str, port: u16, api: IpAddr) -> Vec<SocketAddr> {
    let mut found = Vec::new();
    let words = listens_on.split([',', ' ']).filter(|word| !word.is_empty());
    for word in words {
        let plain = word.trim_start_matches('[').trim_end_matches(']');
        let parsed = plain
            .parse::<IpAddr>()
            .map(|address| SocketAddr::new(address, port))
            .or_else(|_| word.parse::<SocketAddr>());
        let Ok(mut address) = parsed else { continue };
        let elsewhere = address.ip().is_loopback() && !api.is_loopback();
        if address.ip().is_unspecified() || elsewhere {
            if address.is_ipv4() != api.is_ipv4() {
                continue;
            }
            address.set_ip(api);
        }
        if !found.contains(&address) {
            found.push(address);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(listens_on: &str, api: &str) -> Vec<String> {
        let found = answers_at(listens_on, 53, api.parse().unwrap());
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_form_of_the_setting_is_understood() {
        assert_eq!(of("0.0.0.0, ::", "192.0.2.1"), ["192.0.2.1:53"]);
        assert_eq!(of("0.0.0.0 ::", "2001:db8::1"), ["[2001:db8::1]:53"]);
        assert_eq!(of("127.0.0.5", "127.0.0.1"), ["127.0.0.5:53"]);
        assert_eq!(of("127.0.0.1:5300,[::1]:5301", "192.0.2.1"), ["192.0.2.1:5300"]);
        assert_eq!(
            of("203.0.113.1,2001:db8::2", "10.0.0.1"),
            ["203.0.113.1:53", "[2001:db8::2]:53"]
        );
        assert_eq!(of("nonsense", "10.0.0.1"), [""; 0]);
    }
}
