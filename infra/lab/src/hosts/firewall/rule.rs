//! One rule of a firewall.

use std::ops::RangeInclusive;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;

/// Which traffic a rule speaks of, as the host sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// To the host.
    In,
    /// From the host.
    Out,
}

/// Traffic that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(super) direction: Direction,
    protocol: Protocol,
    /// The other end.
    peers: Vec<IpNet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Protocol {
    Tcp(RangeInclusive<u16>),
    Udp(RangeInclusive<u16>),
    Icmp,
    Esp,
    Gre,
}

impl Rule {
    /// Reads a rule of the API. Says what is wrong with it.
    pub(crate) fn read(rule: &Value) -> Result<Self, &'static str> {
        let (direction, peers) = match rule["direction"].as_str() {
            Some("in") => (Direction::In, "source_ips"),
            Some("out") => (Direction::Out, "destination_ips"),
            _ => return Err("direction must be in or out"),
        };
        let peers = rule[peers].as_array().into_iter().flatten();
        let peers = peers.map(read_net).collect::<Option<Vec<_>>>();
        Ok(Self {
            direction,
            protocol: Protocol::read(rule)?,
            peers: peers.ok_or("source_ips and destination_ips must be network ranges")?,
        })
    }

    /// What it matches, in the words of nftables; a line for each family of addresses.
    pub(super) fn matches(&self) -> Vec<String> {
        let mut ipv4 = Vec::new();
        let mut ipv6 = Vec::new();
        for peer in &self.peers {
            match peer {
                IpNet::V4(net) => ipv4.push(*net),
                IpNet::V6(net) => ipv6.push(*net),
            }
        }
        // nftables refuses sets whose ranges overlap.
        let ipv4 = set(&Ipv4Net::aggregate(&ipv4));
        let ipv6 = set(&Ipv6Net::aggregate(&ipv6));
        let side = if self.direction == Direction::In {
            "saddr"
        } else {
            "daddr"
        };
        let ipv4 = ipv4.map(|set| format!("ip {side} {set} {}", self.protocol.matches("icmp")));
        let ipv6 = ipv6.map(|set| format!("ip6 {side} {set} {}", self.protocol.matches("ipv6-icmp")));
        ipv4.into_iter().chain(ipv6).collect()
    }
}

fn read_net(text: &Value) -> Option<IpNet> {
    let net: IpNet = text.as_str()?.parse().ok()?;
    (net.trunc() == net).then_some(net)
}

fn set<N: ToString>(nets: &[N]) -> Option<String> {
    let nets: Vec<String> = nets.iter().map(N::to_string).collect();
    (!nets.is_empty()).then(|| format!("{{ {} }}", nets.join(", ")))
}

impl Protocol {
    fn read(rule: &Value) -> Result<Self, &'static str> {
        let port = rule["port"].as_str();
        match (rule["protocol"].as_str(), port) {
            (Some("tcp"), Some(port)) => read_ports(port).map(Self::Tcp),
            (Some("udp"), Some(port)) => read_ports(port).map(Self::Udp),
            (Some("icmp"), None) => Ok(Self::Icmp),
            (Some("esp"), None) => Ok(Self::Esp),
            (Some("gre"), None) => Ok(Self::Gre),
            (Some("tcp" | "udp"), None) | (Some("icmp" | "esp" | "gre"), Some(_)) => {
                Err("port is for tcp and udp, and only for them")
            }
            _ => Err("protocol must be tcp, udp, icmp, esp or gre"),
        }
    }

    fn matches(&self, icmp: &str) -> String {
        let ports = |ports: &RangeInclusive<u16>| format!("{}-{}", ports.start(), ports.end());
        match self {
            Self::Tcp(range) => format!("tcp dport {}", ports(range)),
            Self::Udp(range) => format!("udp dport {}", ports(range)),
            Self::Icmp => format!("meta l4proto {icmp}"),
            Self::Esp => "meta l4proto esp".into(),
            Self::Gre => "meta l4proto gre".into(),
        }
    }
}

/// `80`, `1024-5000` or `any`.
fn read_ports(text: &str) -> Result<RangeInclusive<u16>, &'static str> {
    let (first, last) = match text {
        "any" => ("1", "65535"),
        range => range.split_once('-').unwrap_or((range, range)),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    number(first)
        .zip(number(last))
        .filter(|(first, last)| first <= last)
        .map(|(first, last)| first..=last)
        .ok_or("port must be a port such as 80, or a range such as 1024-5000")
}
