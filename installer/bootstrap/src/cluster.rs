//! What the hosts of a plan run of the cluster, as far as it is known before there are hosts.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use sovereign_core::host::HostRole;
use sovereign_core::k3s::Artifact;
use sovereign_core::name::SovereignName;

/// Files that every host of a cluster gets from the installer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterFiles {
    /// The k3s binary.
    pub k3s: Artifact,
    /// What the Sovereign reconciles from: a tar file that holds an OCI image layout.
    pub kit: Artifact,
}

/// The kit that goes into the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KitPlan {
    /// Digest of the manifest of its tree, `sha256:..`.
    pub digest: String,
    /// Public key of whoever signed it, PEM.
    pub signer: String,
}

/// What a host runs of the cluster; addresses and the token are learned by the step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NodePlan {
    /// The k3s binary.
    pub binary: Artifact,
    /// Its version, by the spec.
    pub version: String,
    /// What the host does in the Sovereign.
    pub role: HostRole,
    /// Names that the API server's certificate is good for, besides those of the nodes.
    pub tls_sans: Vec<String>,
    /// Range of the pods.
    pub pods: Ipv4Net,
    /// Range of the services.
    pub services: Ipv4Net,
    /// Labels of the node.
    pub labels: BTreeMap<String, String>,
}

/// Name of the sealed secret that lets nodes into a Sovereign's cluster.
pub(crate) fn join_token_name(sovereign: &SovereignName) -> String {
    format!("cluster/{sovereign}/join-token")
}
