//! What later steps and the operator need to know of a resource.

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::{Deserialize, Serialize};
use sovereign_cloud::resource::{Resource, ResourceKind};

/// What later steps and the operator need to know of a resource. Fields that a kind does not have are empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Made {
    /// Its kind.
    pub kind: ResourceKind,
    /// The cloud's number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Server type or load balancer type.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub flavor: Option<String>,
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// Public IPv4 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv4: Option<Ipv4Addr>,
    /// Public IPv6 address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_ipv6: Option<Ipv6Addr>,
    /// Private address, chosen by the cloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_ipv4: Option<Ipv4Addr>,
}

impl From<Resource> for Made {
    fn from(resource: Resource) -> Self {
        Self {
            kind: resource.kind,
            id: resource.id,
            name: resource.name,
            flavor: resource.flavor,
            location: resource.location,
            public_ipv4: resource.public_ipv4,
            public_ipv6: resource.public_ipv6,
            private_ipv4: resource.private_ipv4,
        }
    }
}
