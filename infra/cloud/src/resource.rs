//! What a cloud holds, seen the same way whatever its kind.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};

use crate::label::Labels;

/// Kinds of resource, in the order in which they are taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResourceKind {
    /// Load balancer.
    LoadBalancer,
    /// Server.
    Server,
    /// Block volume.
    Volume,
    /// Address that outlives its server.
    PrimaryIp,
    /// Address that moves between servers.
    FloatingIp,
    /// Cloud firewall.
    Firewall,
    /// Group that spreads servers over hosts.
    PlacementGroup,
    /// Private network.
    Network,
    /// Image made from a server.
    Snapshot,
    /// TLS certificate.
    Certificate,
    /// Public SSH key.
    SshKey,
}

impl ResourceKind {
    /// Every kind, in the order in which they are taken down.
    pub const ALL: [Self; 11] = [
        Self::LoadBalancer,
        Self::Server,
        Self::Volume,
        Self::PrimaryIp,
        Self::FloatingIp,
        Self::Firewall,
        Self::PlacementGroup,
        Self::Network,
        Self::Snapshot,
        Self::Certificate,
        Self::SshKey,
    ];

    /// The kind in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::LoadBalancer => "load balancer",
            Self::Server => "server",
            Self::Volume => "volume",
            Self::PrimaryIp => "primary IP",
            Self::FloatingIp => "floating IP",
            Self::Firewall => "firewall",
            Self::PlacementGroup => "placement group",
            Self::Network => "network",
            Self::Snapshot => "snapshot",
            Self::Certificate => "certificate",
            Self::SshKey => "SSH key",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// One thing in the account. Fields that a kind does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// The cloud's number for it.
    pub id: u64,
    /// Its name; unique per project and kind where the cloud says so.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Server type or load balancer type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// What the cloud says about its state, for example `running`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Public IPv4 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv4: Option<Ipv4Addr>,
    /// First address of the public IPv6 range, or the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv6: Option<Ipv6Addr>,
    /// Address in the first private network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ipv4: Option<Ipv4Addr>,
    /// Range of a network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_range: Option<Ipv4Net>,
    /// Numbers of the networks it is in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub networks: Vec<u64>,
    /// Numbers of the servers it is attached to, balances, holds or was made from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub servers: Vec<u64>,
    /// Label selectors it applies to or balances.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selectors: Vec<String>,
    /// MD5 fingerprint of an SSH key, as the cloud writes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Size in GB of a volume or snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size_gb: Option<u64>,
    /// It goes with the server it is assigned to.
    #[serde(default)]
    pub goes_with_server: bool,
    /// Deletion is refused by the cloud until the protection is lifted.
    #[serde(default)]
    pub protected: bool,
}

impl Resource {
    /// An otherwise empty resource.
    pub fn new(kind: ResourceKind, id: u64, name: impl Into<String>, labels: Labels) -> Self {
        Self {
            kind,
            id,
            name: name.into(),
            labels,
            location: None,
            flavor: None,
            status: None,
            public_ipv4: None,
            public_ipv6: None,
            private_ipv4: None,
            ip_range: None,
            networks: Vec::new(),
            servers: Vec::new(),
            selectors: Vec::new(),
            fingerprint: None,
            size_gb: None,
            goes_with_server: false,
            protected: false,
        }
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            write!(f, "{} {}", self.kind, self.id)
        } else {
            write!(f, "{} `{}`", self.kind, self.name)
        }
    }
}
