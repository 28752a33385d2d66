//! What a scan found.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use sovereign_cloud::inventory::PriceList;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::name::SovereignName;

use crate::teardown::Holding;

/// What is odd about a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Oddity {
    /// It belongs to a Sovereign that this installer does not know.
    UnknownSovereign,
    /// It costs money and serves nothing.
    Unused,
    /// The plan has it and the account has not.
    Missing,
    /// It carries a Sovereign's label, and the Sovereign's plan has it not.
    Unplanned,
    /// It carries no label and hangs on a Sovereign: its cluster made it, or somebody by hand.
    Unlabelled,
    /// Its labels are not those of the plan.
    Relabelled,
    /// It is there and does not run.
    NotRunning,
}

/// One thing that is odd.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanFinding {
    /// What is odd.
    pub oddity: Oddity,
    /// The Sovereign it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sovereign: Option<String>,
    /// Kind of the resource.
    pub kind: ResourceKind,
    /// The cloud's number; `None` for what is missing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// What it costs a month, net.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Decimal>,
    /// What to do about it.
    pub remedy: String,
}

impl ScanFinding {
    pub(super) fn new(
        oddity: Oddity,
        sovereign: Option<&SovereignName>,
        resource: &Resource,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            oddity,
            sovereign: sovereign.map(SovereignName::to_string),
            kind: resource.kind,
            id: Some(resource.id),
            name: resource.name.clone(),
            monthly: None,
            remedy: remedy.into(),
        }
    }
}

/// One resource of the account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannedResource {
    /// Its kind.
    pub kind: ResourceKind,
    /// The cloud's number.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// Why it counts as the Sovereign's, in words that go on from "it"; empty for what is nobody's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
    /// What it costs a month, net.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub monthly: Option<Decimal>,
}

/// What a Sovereign holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScannedSovereign {
    /// Its name.
    pub name: String,
    /// The installer knows it.
    pub known: bool,
    /// What it holds.
    pub resources: Vec<ScannedResource>,
    /// What that costs a month, net.
    pub monthly: Decimal,
}

impl ScannedSovereign {
    pub(super) fn new(name: &SovereignName, known: bool, items: Vec<Holding>, prices: &PriceList) -> Self {
        let resources: Vec<ScannedResource> = items
            .into_iter()
            .map(|item| scanned(&item.resource, item.reason, prices))
            .collect();
        Self {
            name: name.to_string(),
            known,
            monthly: sum(&resources),
            resources,
        }
    }
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ScanReport {
    /// ISO 4217 code of all amounts.
    pub currency: String,
    /// What the account costs a month, net.
    pub monthly: Decimal,
    /// What the odd part of it costs a month, net.
    pub odd_monthly: Decimal,
    /// Sovereigns, by name.
    pub sovereigns: Vec<ScannedSovereign>,
    /// What is no Sovereign's.
    pub others: Vec<ScannedResource>,
    /// What is odd, the costliest first.
    pub findings: Vec<ScanFinding>,
}

impl ScanReport {
    pub(super) fn new(
        everything: &[Resource],
        prices: &PriceList,
        sovereigns: Vec<ScannedSovereign>,
        others: &[&Resource],
        mut findings: Vec<ScanFinding>,
    ) -> Self {
        for finding in &mut findings {
            let is = |resource: &&Resource| resource.kind == finding.kind && Some(resource.id) == finding.id;
            finding.monthly = everything
                .iter()
                .find(is)
                .and_then(|resource| prices.monthly(resource));
        }
        findings.sort_by(|a, b| {
            let rank =
                |finding: &ScanFinding| (finding.oddity, finding.kind, finding.name.clone(), finding.id);
            b.monthly.cmp(&a.monthly).then_with(|| rank(a).cmp(&rank(b)))
        });
        let others: Vec<ScannedResource> = others
            .iter()
            .map(|resource| scanned(resource, String::new(), prices))
            .collect();
        Self {
            currency: prices.currency.clone(),
            // An address that goes with its server is paid for all the same.
            monthly: everything
                .iter()
                .filter_map(|resource| prices.monthly(resource))
                .sum(),
            odd_monthly: findings.iter().filter_map(|finding| finding.monthly).sum(),
            sovereigns,
            others,
            findings,
        }
    }
}

fn scanned(resource: &Resource, reason: String, prices: &PriceList) -> ScannedResource {
    ScannedResource {
        kind: resource.kind,
        id: resource.id,
        name: resource.name.clone(),
        reason,
        monthly: prices.monthly(resource),
    }
}

fn sum(resources: &[ScannedResource]) -> Decimal {
    resources.iter().filter_map(|resource| resource.monthly).sum()
}
