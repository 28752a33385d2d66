//! What can be asked to be made. Requests are plain data: a plan holds them, nothing in them is a secret.

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use sovereign_core::spec::Candidate;

use crate::label::Labels;

/// A private network with one subnet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkRequest {
    /// Unique name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// Range of the network.
    pub ip_range: Ipv4Net,
    /// Range of the subnet.
    pub subnet: Ipv4Net,
    /// The cloud's network zone of the subnet, for example `eu-central`.
    pub network_zone: String,
}

/// One inbound rule. Everything else inbound is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirewallRule {
    /// For people.
    pub description: String,
    /// `tcp`, `udp` or `icmp`.
    pub protocol: String,
    /// A port; `None` for `icmp`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// Who may connect.
    pub sources: Vec<IpNet>,
}

/// A firewall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirewallRequest {
    /// Unique name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// Inbound rules.
    pub rules: Vec<FirewallRule>,
}

/// A public SSH key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SshKeyRequest {
    /// Unique name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// In OpenSSH form.
    pub public_key: String,
    /// MD5 of the key's wire form, `aa:bb:...`; the cloud finds equal keys by it.
    pub fingerprint: String,
}

/// A group that spreads its servers over hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacementGroupRequest {
    /// Unique name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
}

/// A server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerRequest {
    /// Unique name, a host name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// Type and location.
    pub candidate: Candidate,
    /// The image's number.
    pub image: u64,
    /// Numbers of the SSH keys.
    pub ssh_keys: Vec<u64>,
    /// Numbers of the networks.
    pub networks: Vec<u64>,
    /// Numbers of the firewalls.
    pub firewalls: Vec<u64>,
    /// Number of the placement group.
    pub placement_group: Option<u64>,
}

/// One TCP service of a load balancer, with a TCP health check of the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerService {
    /// Port the world connects to.
    pub listen_port: u16,
    /// Port on the targets.
    pub destination_port: u16,
    /// Tell the target the caller's address by the PROXY protocol.
    pub proxy_protocol: bool,
}

/// A load balancer whose targets are chosen by label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerRequest {
    /// Unique name.
    pub name: String,
    /// Ownership.
    pub labels: Labels,
    /// The cloud's type.
    pub flavor: String,
    /// Where it stands.
    pub location: String,
    /// Number of the network its targets are reached over; `None` for public addresses.
    pub network: Option<u64>,
    /// Label selector of the target servers.
    pub target_selector: String,
    /// What it serves.
    pub services: Vec<LoadBalancerService>,
}
