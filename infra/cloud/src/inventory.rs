//! What a planner needs to know of an account. A plan is a pure function of a spec and this.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sovereign_core::spec::Candidate;

use crate::resource::{Resource, ResourceKind};

/// A place of the cloud.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Location {
    /// The cloud's name, for example `fsn1`.
    pub name: String,
    /// Private networks do not cross zones.
    pub network_zone: String,
}

/// What a thing costs, in the account's currency, net of tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// Per hour, net.
    pub hourly: Decimal,
    /// At most per month, net.
    pub monthly: Decimal,
}

/// A server type in one location.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Offer {
    /// It can be ordered now.
    pub available: bool,
    /// It can no longer be ordered, or soon will not.
    pub deprecated: bool,
    /// Its price there.
    pub price: Option<Price>,
}

/// A server type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerType {
    /// The cloud's name, for example `cx33`.
    pub name: String,
    /// `x86` or `arm`.
    pub architecture: String,
    /// Virtual CPUs.
    pub cores: u32,
    /// Memory in GB.
    pub memory_gb: Decimal,
    /// Local disk in GB.
    pub disk_gb: u32,
    /// By location.
    pub offers: BTreeMap<String, Offer>,
}

/// A load balancer type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LoadBalancerType {
    /// The cloud's name, for example `lb11`.
    pub name: String,
    /// Most targets it can have.
    pub max_targets: u32,
    /// Price by location.
    pub prices: BTreeMap<String, Price>,
}

/// A system image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Image {
    /// The cloud's number.
    pub id: u64,
    /// Name, one per architecture.
    pub name: String,
    /// `x86` or `arm`.
    pub architecture: String,
}

/// The account's price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceList {
    /// ISO 4217 code.
    pub currency: String,
    /// Per cent; prices are net of it.
    pub vat_rate: Decimal,
    /// Servers, by type and location.
    pub server_types: BTreeMap<String, BTreeMap<String, Price>>,
    /// Load balancers, by type and location.
    pub load_balancer_types: BTreeMap<String, BTreeMap<String, Price>>,
    /// A primary IPv4 address, by location.
    pub primary_ipv4: BTreeMap<String, Price>,
    /// A floating IPv4 address, by location.
    pub floating_ipv4: BTreeMap<String, Price>,
    /// A GB of volume for a month.
    pub volume_gb_month: Option<Decimal>,
    /// A GB of image for a month.
    pub image_gb_month: Option<Decimal>,
}

/// The account as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inventory {
    /// The credential may write.
    pub can_write: bool,
    /// Places.
    pub locations: Vec<Location>,
    /// Server types.
    pub server_types: Vec<ServerType>,
    /// Load balancer types.
    pub load_balancer_types: Vec<LoadBalancerType>,
    /// System images.
    pub images: Vec<Image>,
    /// Prices.
    pub prices: PriceList,
    /// What exists, of the kinds a plan makes: networks, firewalls, SSH keys, placement groups, servers, load balancers and
    /// primary IPs.
    pub resources: Vec<Resource>,
}

impl Inventory {
    /// The kinds in [`Inventory::resources`].
    pub const KINDS: [ResourceKind; 7] = [
        ResourceKind::Network,
        ResourceKind::Firewall,
        ResourceKind::SshKey,
        ResourceKind::PlacementGroup,
        ResourceKind::Server,
        ResourceKind::LoadBalancer,
        ResourceKind::PrimaryIp,
    ];

    /// The offer of a candidate, where the cloud has one.
    pub fn offer(&self, candidate: &Candidate) -> Option<(&ServerType, &Offer)> {
        let server_type = self
            .server_types
            .iter()
            .find(|t| t.name == candidate.server_type)?;
        Some((server_type, server_type.offers.get(&candidate.location)?))
    }

    /// The resource of that kind and name.
    pub fn find(&self, kind: ResourceKind, name: &str) -> Option<&Resource> {
        self.resources.iter().find(|r| r.kind == kind && r.name == name)
    }
}

impl PriceList {
    /// What a resource costs a month, net; `None` where the list does not say or there is no charge.
    pub fn monthly(&self, resource: &Resource) -> Option<Decimal> {
        let here = |prices: &BTreeMap<String, Price>| {
            let price = prices.get(resource.location.as_deref()?)?;
            Some(price.monthly)
        };
        let by_type =
            |types: &BTreeMap<String, BTreeMap<String, Price>>| here(types.get(resource.flavor.as_deref()?)?);
        let address = |prices| resource.public_ipv4.and_then(|_| here(prices));
        match resource.kind {
            ResourceKind::Server => by_type(&self.server_types),
            ResourceKind::LoadBalancer => by_type(&self.load_balancer_types),
            ResourceKind::PrimaryIp => address(&self.primary_ipv4),
            ResourceKind::FloatingIp => address(&self.floating_ipv4),
            ResourceKind::Volume => Some(self.volume_gb_month? * Decimal::from(resource.size_gb?)),
            ResourceKind::Snapshot => Some(self.image_gb_month? * Decimal::from(resource.size_gb?)),
            _ => None,
        }
    }
}
