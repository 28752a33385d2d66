//! What a host runs of the cluster: the document that the installer sends and the agent makes true.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddrV4};

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::secret::SentSecret;

/// A file that the installer hands over on the node link; known by its digest alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Artifact {
    /// SHA-256, 64 hex digits.
    pub sha256: String,
    /// Size in bytes.
    pub size: u64,
}

/// What a host runs of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct K3sNode {
    /// The k3s binary.
    pub binary: Artifact,
    /// What the binary has to say that it is, such as `v1.35.7+k3s1`.
    pub version: String,
    /// The part it plays.
    pub role: K3sRole,
    /// Name of the node, one label.
    pub node_name: String,
    /// Address by which the other nodes reach it; `None` leaves the choice to k3s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node_ip: Option<IpAddr>,
    /// Address by which the world reaches it, where it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_ip: Option<IpAddr>,
    /// Names and addresses that the API server's certificate is good for, besides the node's own.
    pub tls_sans: Vec<String>,
    /// Range of the pods.
    pub pods: Ipv4Net,
    /// Range of the services.
    pub services: Ipv4Net,
    /// Labels of the node.
    pub labels: BTreeMap<String, String>,
    /// Where the node's own registry listens.
    pub registry: SocketAddrV4,
    /// What lets it into the cluster.
    pub token: JoinToken,
}

/// The part a node plays. Exactly one in a cluster makes it; all others join.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "part", rename_all = "snake_case")]
pub enum K3sRole {
    /// Makes the cluster, unless it is a member of it already.
    Init,
    /// A server that joins.
    Server {
        /// A server that is there: IP address or name.
        join: String,
    },
    /// An agent that joins.
    Agent {
        /// A server that is there: IP address or name.
        join: String,
    },
}

impl K3sRole {
    /// Whether the node is part of the control plane.
    pub fn is_server(&self) -> bool {
        !matches!(self, Self::Agent { .. })
    }

    /// The server to join by, unless the node makes the cluster.
    pub fn join(&self) -> Option<&str> {
        match self {
            Self::Init => None,
            Self::Server { join } | Self::Agent { join } => Some(join),
        }
    }
}

/// The secret that lets a node into the cluster.
pub type JoinToken = SentSecret;

impl K3sNode {
    /// SHA-256 of the document, 64 hex digits. The token is part of it: it has 256 random bits and cannot be guessed from this.
    pub fn digest(&self) -> String {
        // Every field is a string, number, map or list: it can always be written.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}
