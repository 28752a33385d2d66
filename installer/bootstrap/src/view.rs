//! What the operator sees of a plan, and approves. It is part of the plan and of its digest.

use std::collections::BTreeMap;

use ipnet::Ipv4Net;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sovereign_cloud::label::Labels;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::finding::Finding;
use sovereign_core::host::HostRole;
use sovereign_core::spec::{Candidate, Network, Region};

use crate::cluster::ClusterFiles;
use crate::link::LinkPlan;

/// What a plan does with a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// It is made.
    Create,
    /// It is there and stays.
    Keep,
    /// It is there and is changed where it stands.
    Change,
    /// It is there and goes.
    Remove,
}

/// One resource of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedResource {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its name.
    pub name: String,
    /// What happens to it.
    pub act: Act,
    /// What matters about it, in words.
    pub detail: String,
    /// Its labels; as they are now for what goes.
    pub labels: Labels,
}

/// Where a choice stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// It is taken.
    Chosen,
    /// It is taken if those before it are refused in the middle of the run.
    Fallback,
    /// It is passed over.
    PassedOver {
        /// Why.
        why: String,
    },
}

/// A server type and location in a group's list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedChoice {
    /// Type and location.
    #[serde(flatten)]
    pub candidate: Candidate,
    /// What it costs a month, net.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Decimal>,
    /// Where it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// A group of like servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedGroup {
    /// The region.
    pub region: String,
    /// The group's name; the control plane's is `cp`.
    pub name: String,
    /// Servers after the plan.
    pub count: u32,
    /// Of which are made by it.
    pub created: u32,
    /// The system image.
    pub image: String,
    /// Types and locations, in order of preference.
    pub choices: Vec<PlannedChoice>,
}

/// Address ranges of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedRanges {
    /// The region.
    pub region: String,
    /// `network`, `nodes`, `pods`, `services` and the range of each; the first two only with a private network.
    pub ranges: BTreeMap<String, Ipv4Net>,
}

impl PlannedRanges {
    /// The ranges of a region.
    pub(crate) fn of(region: &Region) -> Self {
        let ranges: &[_] = match &region.network {
            Network::Private {
                cidr,
                subnet,
                pods,
                services,
            } => &[
                ("network", *cidr),
                ("nodes", *subnet),
                ("pods", *pods),
                ("services", *services),
            ],
            Network::Public { pods, services } => &[("pods", *pods), ("services", *services)],
        };
        Self {
            region: region.name.clone(),
            ranges: ranges
                .iter()
                .map(|(name, range)| ((*name).to_owned(), *range))
                .collect(),
        }
    }
}

/// An amount without and with tax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Money {
    /// Without tax.
    pub net: Decimal,
    /// With tax.
    pub gross: Decimal,
}

/// One line of the price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceLine {
    /// What is paid for.
    pub what: String,
    /// How many.
    pub quantity: u32,
    /// One of it, per hour.
    pub each_hourly: Money,
    /// One of it, at most per month.
    pub each_monthly: Money,
    /// All of it, per hour.
    pub hourly: Money,
    /// All of it, at most per month.
    pub monthly: Money,
}

/// What the Sovereign costs once the plan has run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prices {
    /// ISO 4217 code of the account.
    pub currency: String,
    /// Per cent of tax between net and gross.
    pub vat_rate: Decimal,
    /// Line by line.
    pub lines: Vec<PriceLine>,
    /// Sum per hour.
    pub hourly: Money,
    /// Sum, at most per month.
    pub monthly: Money,
    /// What the plan adds to what is paid a month now; negative if it takes away.
    pub change_monthly: Money,
    /// What the sum leaves out.
    pub not_included: Vec<String>,
}

/// A host of a plan: what answers on a server or machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedHost {
    /// Its name.
    pub name: String,
    /// What it does.
    pub role: HostRole,
    /// Where it is reached, if it is there already: `address:port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Its SSH host key's fingerprint, `SHA256:...`, if it is there already. Approving the plan trusts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
}

/// User data of a role, on the wire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedUserData {
    /// The role.
    pub role: HostRole,
    /// Bytes as sent, of the longest host name. Secrets are stand-ins of the same length.
    pub bytes: usize,
    /// What the installer allows itself.
    pub budget: usize,
    /// What the cloud allows.
    pub limit: usize,
}

/// The Sovereign's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedZone {
    /// Its name, without a trailing dot.
    pub name: String,
    /// Name servers that answer for it.
    pub nameservers: Vec<String>,
    /// Names in it that lead to the load balancers.
    pub names: Vec<String>,
    /// Servers that have it from the first of those it is made on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secondaries: Vec<String>,
    /// Who may issue certificates for its names, as CAA records; anybody where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caa: Vec<String>,
}

/// Who changes what the parent of the Sovereign's zone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DelegatedBy {
    /// The installer, through the API of the registrar or of the host of the parent zone.
    Api,
    /// A person; the installer says what to enter and watches for it.
    Hand,
}

/// How the world is led to the Sovereign's zone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedDelegation {
    /// The name, without a trailing dot.
    pub name: String,
    /// The zone that it is a child of, where the customer keeps that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Who changes what the parent says.
    pub by: DelegatedBy,
    /// The NS records that the parent gets. Its DS records follow from the zone's key, which is made with the zone.
    pub records: Vec<String>,
}

/// What the operator sees of a plan, and approves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlanView {
    /// Every resource, in the order of the spec; what goes comes last.
    pub resources: Vec<PlannedResource>,
    /// Every group of servers with its choices.
    pub groups: Vec<PlannedGroup>,
    /// Address ranges by region.
    pub networks: Vec<PlannedRanges>,
    /// Every host.
    pub hosts: Vec<PlannedHost>,
    /// How installer and hosts find each other.
    pub link: LinkPlan,
    /// Files that hosts get, if the plan goes as far as the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<ClusterFiles>,
    /// Size of the user data, by role; empty for machines.
    pub user_data: Vec<PlannedUserData>,
    /// The zone, where somebody is asked to answer for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<PlannedZone>,
    /// The delegation of the zone, where the spec asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegation: Option<PlannedDelegation>,
    /// Prices by the account's own list; none for machines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Notes and warnings.
    pub findings: Vec<Finding>,
}

impl PlanView {
    /// How many resources meet that fate.
    pub fn count(&self, act: Act) -> usize {
        self.resources
            .iter()
            .filter(|resource| resource.act == act)
            .count()
    }
}
