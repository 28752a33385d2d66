//! How installer and hosts of a plan find each other, and how far it goes.

use serde::{Deserialize, Serialize};

use crate::cluster::{ClusterFiles, KitPlan};

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
    /// The same, and the names that lead to them.
    Names,
    /// The same, and hosts that are what they are to be.
    Hosts,
    /// These files on every host, and all hosts in one cluster.
    Cluster(ClusterFiles),
    /// The same, and the kit in the cluster by proof.
    Kit(ClusterFiles, KitPlan),
    /// The same, and then the Sovereign goes on by itself.
    HandOff(ClusterFiles, KitPlan),
}

impl Until {
    /// Whether the plan goes on with the hosts once the cloud has made them.
    pub fn talks_to_hosts(&self) -> bool {
        !matches!(self, Self::Cloud | Self::Names)
    }

    /// The files that hosts get, if the plan goes that far.
    pub fn files(&self) -> Option<&ClusterFiles> {
        match self {
            Self::Cluster(files) | Self::Kit(files, _) | Self::HandOff(files, _) => Some(files),
            Self::Cloud | Self::Names | Self::Hosts => None,
        }
    }

    /// The kit, if the plan goes that far.
    pub fn kit(&self) -> Option<&KitPlan> {
        match self {
            Self::Kit(_, kit) | Self::HandOff(_, kit) => Some(kit),
            Self::Cloud | Self::Names | Self::Hosts | Self::Cluster(_) => None,
        }
    }

    /// Whether nothing of the installer is left at the end.
    pub fn hands_off(&self) -> bool {
        matches!(self, Self::HandOff(..))
    }
}
