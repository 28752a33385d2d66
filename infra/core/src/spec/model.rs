//! The validated shape of a spec. Illegal combinations cannot be written.

use std::net::SocketAddr;
use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};

use crate::name::SovereignName;
use crate::registrar::RegistrarCredential;
use crate::secret::SecretRef;

/// The version of the document this build reads.
pub const API_VERSION: &str = "sovereign/v1";

/// What the owner wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SovereignSpec {
    /// Unique name of the Sovereign.
    pub name: SovereignName,
    /// Who owns it.
    pub organization: Organization,
    /// How its names come to be.
    pub domain: Domain,
    /// Who answers for its names; nobody where this is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns: Option<Dns>,
    /// What it stands on.
    pub provider: Provider,
    /// At least one.
    pub regions: Vec<Region>,
    /// Who may reach the machines.
    pub access: Access,
    /// What every host has to reach before it is used, each `host:port`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<String>,
    /// Which Kubernetes, from where.
    pub kubernetes: Kubernetes,
    /// Which components.
    pub kit: Kit,
    /// Host hardening switches.
    pub hardening: Hardening,
}

/// The organization that owns the Sovereign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Display name.
    pub name: String,
    /// Address for certificates and notices.
    pub email: String,
}

/// The domain mode with all that the mode needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Domain {
    /// A name out of a pool that we run.
    Pool {
        /// Parent zone of the pool.
        pool: String,
        /// Label below it.
        label: String,
    },
    /// The customer's own domain, delegated by hand.
    Delegated {
        /// Fully qualified, without a trailing dot.
        name: String,
    },
    /// The customer's own domain, delegated through the registrar's API.
    Registrar {
        /// Fully qualified, without a trailing dot.
        name: String,
        /// The registrar, with the credential that it is asked with.
        registrar: RegistrarCredential,
    },
    /// A child zone inside a zone the customer keeps.
    ChildZone {
        /// Fully qualified, without a trailing dot.
        name: String,
        /// The customer's zone; `name` lies below it.
        parent: String,
        /// Who hosts that zone, with the credential that it is asked with; delegated by hand where this is left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        host: Option<RegistrarCredential>,
    },
    /// No names are managed.
    None,
}

impl Domain {
    /// The Sovereign's fully qualified domain name, where it has one.
    pub fn fqdn(&self) -> Option<String> {
        match self {
            Self::Pool { pool, label } => Some(format!("{label}.{pool}")),
            Self::Delegated { name } | Self::Registrar { name, .. } | Self::ChildZone { name, .. } => {
                Some(name.clone())
            }
            Self::None => None,
        }
    }

    /// Who is asked to delegate it, where somebody can be: its registrar, or the host of the zone above it.
    pub fn parent_host(&self) -> Option<&RegistrarCredential> {
        match self {
            Self::Registrar { registrar, .. } => Some(registrar),
            Self::ChildZone { host, .. } => host.as_ref(),
            Self::Pool { .. } | Self::Delegated { .. } | Self::None => None,
        }
    }
}

/// The servers that answer for the Sovereign's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dns {
    /// PowerDNS servers; each gets the same zone. At least one.
    pub servers: Vec<DnsServer>,
    /// Host names of the name servers, fully qualified without a trailing dot; the zone's NS records. At least one.
    pub nameservers: Vec<String>,
    /// Servers that have the zone from the first of `servers`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub secondaries: Vec<DnsSecondary>,
    /// Name of the catalog zone that tells them which zones there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// Who may issue certificates for names in the zone; the zone does not say without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caa: Option<DnsCaa>,
}

/// Who may issue certificates for names in the zone (CAA, RFC 8659).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsCaa {
    /// Domain names of issuers, with their parameters. At least one.
    pub issuers: Vec<String>,
    /// Who may issue certificates for wildcards: the same without, nobody where it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wildcard_issuers: Option<Vec<String>>,
    /// Where issuers report what they refused: a `mailto:`, `https:` or `http:` address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<String>,
}

/// A server that has zones from another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsSecondary {
    /// Where it answers queries and takes NOTIFY.
    pub address: SocketAddr,
    /// Its API, if it is a PowerDNS that is to be set up.
    #[serde(flatten)]
    pub server: Option<DnsServer>,
}

/// One PowerDNS server's API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DnsServer {
    /// Address of the API, without a path.
    pub url: String,
    /// Its API key.
    pub key: SecretRef,
}

/// What the Sovereign stands on, and the reference to its credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Provider {
    /// Hetzner Cloud.
    Hetzner {
        /// API token of one project, with write access.
        token: SecretRef,
        /// Another token of the same project, with write access: the one that stays with the Sovereign when it is handed off.
        #[serde(skip_serializing_if = "Option::is_none")]
        sovereign_token: Option<SecretRef>,
    },
    /// Machines that run a Linux already, reached over SSH.
    Machines {
        /// Whom the installer logs in as: root, or one who may `sudo` without a password.
        user: String,
        /// Private key to log in with, in OpenSSH form without a passphrase.
        key: SecretRef,
    },
}

impl Provider {
    /// Whether both reach the same account by the same credential.
    pub fn is_same_account(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Hetzner { token, .. }, Self::Hetzner { token: other, .. }) => token == other,
            _ => self == other,
        }
    }
}

/// One place the Sovereign stands in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Region {
    /// Short name, unique in the spec, used in resource names.
    pub name: String,
    /// Private network of the region.
    pub network: Network,
    /// Servers that run the Kubernetes control plane.
    pub control_plane: NodeGroup,
    /// Groups of workers; names are unique in the region.
    pub workers: Vec<NodeGroup>,
    /// Load balancer types in order of preference, by the cloud's name.
    pub load_balancer_types: Vec<String>,
}

/// How the nodes of a region reach each other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "mode", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Network {
    /// A private network of the cloud; at most 100 members on Hetzner.
    Private {
        /// Range of the network, RFC 1918.
        cidr: Ipv4Net,
        /// Range the nodes are in; lies inside `cidr`.
        subnet: Ipv4Net,
        /// Kubernetes pod range.
        pods: Ipv4Net,
        /// Kubernetes service range.
        services: Ipv4Net,
    },
    /// Public addresses only; the overlay encrypts.
    Public {
        /// Kubernetes pod range.
        pods: Ipv4Net,
        /// Kubernetes service range.
        services: Ipv4Net,
    },
}

/// A group of like servers. The control plane is the group named `cp`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NodeGroup {
    /// Short name used in server names.
    pub name: String,
    /// Number of servers: 1 or 3 for the control plane, 0 to 500 for workers.
    pub count: u32,
    /// Where they come from.
    #[serde(flatten)]
    pub source: NodeSource,
}

/// Where the servers of a group come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum NodeSource {
    /// A cloud makes them.
    Cloud {
        /// Server type x location, in order of preference: all types in the first location, then the next location.
        candidates: Vec<Candidate>,
        /// Name of the system image, resolved per architecture.
        image: String,
    },
    /// They are there; one entry each.
    Machines(Vec<Machine>),
}

impl NodeGroup {
    /// Server types and locations, in order of preference; none for machines.
    pub fn candidates(&self) -> &[Candidate] {
        match &self.source {
            NodeSource::Cloud { candidates, .. } => candidates,
            NodeSource::Machines(_) => &[],
        }
    }

    /// Name of the system image; empty for machines.
    pub fn image(&self) -> &str {
        match &self.source {
            NodeSource::Cloud { image, .. } => image,
            NodeSource::Machines(_) => "",
        }
    }

    /// The machines; none of a cloud.
    pub fn machines(&self) -> &[Machine] {
        match &self.source {
            NodeSource::Cloud { .. } => &[],
            NodeSource::Machines(machines) => machines,
        }
    }
}

/// A machine that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// IP address or host name.
    pub address: String,
    /// Port of its SSH server.
    pub port: u16,
    /// Its SSH host key in OpenSSH form; without, the plan shows the key it offers, and approving the plan trusts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

/// One choice of server type and location.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate {
    /// The cloud's server type, for example `cx33`.
    pub server_type: String,
    /// The cloud's location, for example `fsn1`.
    pub location: String,
}

/// Who may reach the machines from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// Parsed public keys in OpenSSH form, without options.
    pub ssh_keys: Vec<String>,
    /// Ranges, IPv4 and IPv6, that may reach 22 and 6443. Empty closes both.
    pub admin_cidrs: Vec<IpNet>,
}

/// Which Kubernetes, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kubernetes {
    /// The k3s version that hosts have to run, for example `v1.35.7+k3s1`: what the binary says of itself.
    pub version: String,
    /// Where the k3s binary comes from, unless the run is given another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artifact: Option<Artifact>,
}

/// Source of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Artifact {
    /// A URL and the digest of what it must hold.
    Url {
        /// HTTPS URL.
        url: String,
        /// SHA-256, 64 lower-case hex digits.
        sha256: String,
    },
    /// A file on the installer.
    File(PathBuf),
}

/// The bootstrap kit's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KitProfile {
    /// One of everything.
    Solo,
    /// Replicated components; needs three control plane servers.
    Ha,
    /// HA and the components beyond the twelve.
    Extended,
}

impl KitProfile {
    /// Three copies of everything fit three servers and no fewer.
    pub(super) fn by_size(regions: &[Region]) -> Self {
        let replicated = |region: &Region| region.control_plane.count >= 3;
        if !regions.is_empty() && regions.iter().all(replicated) {
            Self::Ha
        } else {
            Self::Solo
        }
    }
}

/// Which components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kit {
    /// The profile.
    pub profile: KitProfile,
}

/// Host hardening switches; all on unless the owner says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Hardening {
    /// Install security updates by themselves.
    pub unattended_upgrades: bool,
    /// Ban addresses that fail to log in.
    pub fail2ban: bool,
    /// Filter on the host, too; the cloud does not filter private networks.
    pub host_firewall: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_by_size() {
        let examples = [
            (include_str!("../../../../examples/ha.yaml"), KitProfile::Ha),
            (
                include_str!("../../../../examples/minimal.yaml"),
                KitProfile::Solo,
            ),
        ];
        for (text, profile) in examples {
            assert_eq!(super::super::parse(text).unwrap().spec.kit.profile, profile);
        }
    }
}
