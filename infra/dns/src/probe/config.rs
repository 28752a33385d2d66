//! Where and how a probe asks.

use std::net::{IpAddr, Ipv4Addr};

use super::limits::Limits;
use super::pace::Pace;
use super::reach::Reach;
use super::roots::{self, TrustAnchor};
use super::seen::ServerAt;
use crate::delegation::Rdap;

/// Resolvers that answer everybody: Cloudflare, Google, Quad9.
pub const PUBLIC_RESOLVERS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(1, 1, 1, 1)),
    IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8)),
    IpAddr::V4(Ipv4Addr::new(9, 9, 9, 9)),
];

/// Where and how a probe asks.
#[derive(Debug, Clone)]
pub struct ProbeConfig {
    /// Root servers of a DNS of one's own; empty for the public one. With it, private addresses are asked, too.
    pub roots: Vec<IpAddr>,
    /// Port that all servers, and resolvers, answer on.
    pub port: u16,
    /// What is believed about the root's keys; without it no chain begins.
    pub anchor: Option<TrustAnchor>,
    /// Bounds of one probe.
    pub limits: Limits,
    /// How fast one server is asked.
    pub pace: Pace,
    /// Resolvers to ask for information.
    pub resolvers: Vec<IpAddr>,
    /// Where registrations are looked up.
    pub rdap: Rdap,
    /// Keep every question with what came of it.
    pub trace: bool,
}

impl Default for ProbeConfig {
    /// The public DNS.
    fn default() -> Self {
        Self {
            roots: Vec::new(),
            port: 53,
            anchor: Some(TrustAnchor::iana()),
            limits: Limits::default(),
            pace: Pace::default(),
            resolvers: Vec::new(),
            rdap: Rdap::Iana,
            trace: false,
        }
    }
}

impl ProbeConfig {
    /// A DNS of one's own, with the keys of its root if they are known.
    pub fn private(roots: Vec<IpAddr>, anchor: Option<TrustAnchor>) -> Self {
        Self {
            roots,
            anchor,
            rdap: Rdap::Nowhere,
            ..Self::default()
        }
    }

    pub(super) fn reach(&self) -> Reach {
        if self.roots.is_empty() {
            Reach::Public
        } else {
            Reach::Any
        }
    }

    pub(super) fn root_servers(&self) -> Vec<ServerAt> {
        if self.roots.is_empty() {
            return roots::public();
        }
        let roots = self.roots.iter();
        roots
            .map(|address| ServerAt {
                name: String::new(),
                address: *address,
            })
            .collect()
    }
}
