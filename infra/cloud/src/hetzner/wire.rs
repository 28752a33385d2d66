//! The API's JSON, as far as we read it. Fields the API may drop or add are optional or ignored; sets it may extend are text.

#![expect(clippy::struct_field_names, reason = "the names are the API's")]

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::StatusCode;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
pub(super) struct ErrorAnswer {
    pub(super) error: ErrorBody,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
    #[serde(default)]
    pub(super) details: Option<Value>,
}

impl ErrorBody {
    /// Stands in for a body that is not the API's, such as a proxy's page.
    pub(super) fn of_status(status: StatusCode) -> Self {
        let message = status
            .canonical_reason()
            .unwrap_or("no reason given")
            .to_lowercase();
        Self {
            code: format!("http_{}", status.as_u16()),
            message,
            details: None,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct Action {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) command: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) progress: u8,
    #[serde(default)]
    pub(super) error: Option<ActionError>,
}

#[derive(Debug, Clone, Deserialize)]
pub(super) struct ActionError {
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct ActionList {
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pagination {
    #[serde(default)]
    pub(super) next_page: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) pagination: Option<Pagination>,
}

impl Meta {
    fn next(&self) -> Option<u64> {
        self.pagination
            .as_ref()
            .and_then(|pagination| pagination.next_page)
    }
}

/// One page of a listing.
pub(super) trait Page: serde::de::DeserializeOwned {
    type Item;
    /// Its items and the number of the next page.
    fn split(self) -> (Vec<Self::Item>, Option<u64>);
}

macro_rules! page {
    ($page:ident, $field:ident, $item:ty) => {
        #[derive(Debug, Deserialize)]
        pub(super) struct $page {
            $field: Vec<$item>,
            #[serde(default)]
            meta: Meta,
        }

        impl Page for $page {
            type Item = $item;

            fn split(self) -> (Vec<$item>, Option<u64>) {
                let next = self.meta.next();
                (self.$field, next)
            }
        }
    };
}

page!(ServerPage, servers, Server);
page!(LoadBalancerPage, load_balancers, LoadBalancer);
page!(VolumePage, volumes, Volume);
page!(PrimaryIpPage, primary_ips, PrimaryIp);
page!(FloatingIpPage, floating_ips, FloatingIp);
page!(FirewallPage, firewalls, Firewall);
page!(PlacementGroupPage, placement_groups, PlacementGroup);
page!(NetworkPage, networks, Network);
page!(ImagePage, images, Image);
page!(CertificatePage, certificates, Certificate);
page!(SshKeyPage, ssh_keys, SshKey);
page!(LocationPage, locations, Location);
page!(ServerTypePage, server_types, ServerType);
page!(LoadBalancerTypePage, load_balancer_types, LoadBalancerType);

/// What every resource has.
#[derive(Debug, Deserialize)]
pub(super) struct Common {
    pub(super) id: u64,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) labels: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) protection: Protection,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct Protection {
    #[serde(default)]
    pub(super) delete: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Server {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) status: String,
    #[serde(default)]
    pub(super) public_net: PublicNet,
    #[serde(default)]
    pub(super) private_net: Vec<PrivateNet>,
    pub(super) server_type: Named,
    #[serde(default)]
    pub(super) location: Option<Named>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct PublicNet {
    #[serde(default)]
    pub(super) ipv4: Option<Address<Ipv4Addr>>,
    #[serde(default)]
    pub(super) ipv6: Option<Address<Ipv6Net>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Address<T> {
    #[serde(default = "Option::default")]
    pub(super) ip: Option<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PrivateNet {
    pub(super) network: u64,
    #[serde(default)]
    pub(super) ip: Option<Ipv4Addr>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServerCreated {
    pub(super) server: Server,
    pub(super) action: Action,
    #[serde(default)]
    pub(super) next_actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoadBalancer {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) load_balancer_type: Named,
    pub(super) location: Named,
    #[serde(default)]
    pub(super) public_net: LoadBalancerPublicNet,
    #[serde(default)]
    pub(super) private_net: Vec<PrivateNet>,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct LoadBalancerPublicNet {
    #[serde(default)]
    pub(super) ipv4: Option<Address<Ipv4Addr>>,
    #[serde(default)]
    pub(super) ipv6: Option<Address<Ipv6Addr>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Target {
    #[serde(default)]
    pub(super) server: Option<Id>,
    #[serde(default)]
    pub(super) label_selector: Option<Selector>,
    #[serde(default)]
    pub(super) targets: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Id {
    pub(super) id: u64,
}

#[derive(Debug, Deserialize)]
pub(super) struct Selector {
    pub(super) selector: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct LoadBalancerCreated {
    pub(super) load_balancer: LoadBalancer,
    pub(super) action: Action,
}

#[derive(Debug, Deserialize)]
pub(super) struct Volume {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) size: u64,
    #[serde(default)]
    pub(super) server: Option<u64>,
    pub(super) location: Named,
    #[serde(default)]
    pub(super) status: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PrimaryIp {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) ip: String,
    #[serde(default)]
    pub(super) assignee_id: Option<u64>,
    #[serde(default)]
    pub(super) auto_delete: bool,
    #[serde(default)]
    pub(super) location: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FloatingIp {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) ip: String,
    #[serde(default)]
    pub(super) server: Option<u64>,
    #[serde(default)]
    pub(super) home_location: Option<Named>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Firewall {
    #[serde(flatten)]
    pub(super) common: Common,
    #[serde(default)]
    pub(super) applied_to: Vec<Target>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FirewallCreated {
    pub(super) firewall: Firewall,
    #[serde(default)]
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlacementGroup {
    #[serde(flatten)]
    pub(super) common: Common,
    #[serde(default)]
    pub(super) servers: Vec<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PlacementGroupCreated {
    pub(super) placement_group: PlacementGroup,
}

#[derive(Debug, Deserialize)]
pub(super) struct Network {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) ip_range: Ipv4Net,
    #[serde(default)]
    pub(super) servers: Vec<u64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NetworkCreated {
    pub(super) network: Network,
}

#[derive(Debug, Deserialize)]
pub(super) struct Image {
    #[serde(flatten)]
    pub(super) common: Common,
    #[serde(default)]
    pub(super) description: Option<String>,
    #[serde(default)]
    pub(super) architecture: Option<String>,
    #[serde(default)]
    pub(super) created_from: Option<Id>,
    #[serde(default)]
    pub(super) image_size: Option<f64>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Certificate {
    #[serde(flatten)]
    pub(super) common: Common,
}

#[derive(Debug, Deserialize)]
pub(super) struct SshKey {
    #[serde(flatten)]
    pub(super) common: Common,
    pub(super) fingerprint: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct SshKeyCreated {
    pub(super) ssh_key: SshKey,
}

/// The answer of a verb that starts one action or several.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Started {
    pub(super) action: Option<Action>,
    pub(super) actions: Vec<Action>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Location {
    pub(super) name: String,
    pub(super) network_zone: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Amount {
    pub(super) net: Decimal,
}

#[derive(Debug, Deserialize)]
pub(super) struct LocationPrice {
    pub(super) location: String,
    pub(super) price_hourly: Amount,
    pub(super) price_monthly: Amount,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServerType {
    pub(super) name: String,
    pub(super) architecture: String,
    pub(super) cores: u32,
    pub(super) memory: Decimal,
    pub(super) disk: u32,
    #[serde(default)]
    pub(super) prices: Vec<LocationPrice>,
    #[serde(default)]
    pub(super) locations: Vec<ServerTypeLocation>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ServerTypeLocation {
    pub(super) name: String,
    #[serde(default = "yes")]
    pub(super) available: bool,
    #[serde(default)]
    pub(super) deprecation: Option<Value>,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Deserialize)]
pub(super) struct LoadBalancerType {
    pub(super) name: String,
    pub(super) max_targets: u32,
    #[serde(default)]
    pub(super) prices: Vec<LocationPrice>,
}

#[derive(Debug, Deserialize)]
pub(super) struct PricingAnswer {
    pub(super) pricing: Pricing,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pricing {
    pub(super) currency: String,
    pub(super) vat_rate: Decimal,
    #[serde(default)]
    pub(super) server_types: Vec<NamedPrices>,
    #[serde(default)]
    pub(super) load_balancer_types: Vec<NamedPrices>,
    #[serde(default)]
    pub(super) primary_ips: Vec<TypedPrices>,
    #[serde(default)]
    pub(super) floating_ips: Vec<FloatingPrices>,
    #[serde(default)]
    pub(super) volume: Option<PerGb>,
    #[serde(default)]
    pub(super) image: Option<PerGb>,
}

#[derive(Debug, Deserialize)]
pub(super) struct NamedPrices {
    pub(super) name: String,
    #[serde(default)]
    pub(super) prices: Vec<LocationPrice>,
}

#[derive(Debug, Deserialize)]
pub(super) struct TypedPrices {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) prices: Vec<LocationPrice>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FloatingPrices {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) prices: Vec<FloatingPrice>,
}

#[derive(Debug, Deserialize)]
pub(super) struct FloatingPrice {
    pub(super) location: String,
    pub(super) price_monthly: Amount,
}

#[derive(Debug, Deserialize)]
pub(super) struct PerGb {
    pub(super) price_per_gb_month: Amount,
}
