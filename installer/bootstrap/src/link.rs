//! How installer and hosts of a plan find each other, and how far it goes.

use serde::{Deserialize, Serialize};
use sovereign_core::k3s::Artifact;

/// How installer and hosts of a plan find each other. Part of the plan: user data differ by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkPlan {
    /// Who calls whom.
    #[serde(flatten)]
    pub transport: Transport,
    /// SHA-256 of the agent that the hosts get, 64 hex digits.
    pub agent: String,
}

/// Who calls whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "transport", rename_all = "snake_case")]
pub enum Transport {
    /// The hosts call the installer.
    Https {
        /// Where it listens, as the hosts see it: scheme, host, port, and the Sovereign's name as path.
        url: String,
    },
    /// The installer calls the hosts.
    Ssh,
}

/// How far a plan goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// The cloud's resources; hosts boot and nobody talks to them yet.
    Cloud,
    /// Hosts that are what they are to be, and the zone.
    Hosts,
    /// This k3s on every host, all of them in one cluster.
    Cluster(Artifact),
}

impl Until {
    /// The k3s that hosts get, if the plan goes that far.
    pub fn k3s(&self) -> Option<&Artifact> {
        match self {
            Self::Cluster(k3s) => Some(k3s),
            Self::Cloud | Self::Hosts => None,
        }
    }
}
