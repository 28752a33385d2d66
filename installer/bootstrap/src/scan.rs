//! What an account holds, Sovereign by Sovereign; orphans and drift among it, with what they cost.

mod drift;
mod report;
mod zone;

use std::collections::{BTreeMap, BTreeSet};

use futures::future::try_join_all;
use sovereign_cloud::inventory::PriceList;
use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{Cloud, CloudError};
use sovereign_core::name::SovereignName;

use crate::teardown::{Holding, Holdings, Scope};
use crate::view::PlanView;

pub use report::{Oddity, ScanFinding, ScanReport, ScannedResource, ScannedSovereign};
pub use zone::{scan_parent, scan_zone};

/// Sovereigns that the installer knows, each with the last plan it ran, where there is one.
pub type KnownSovereigns = BTreeMap<SovereignName, Option<PlanView>>;

/// Looks through the whole account, but for certificates, which cost nothing and are in no plan. One read for prices and one for
/// each page of 50 of a kind: 15 reads for 100 servers.
pub async fn scan(cloud: &dyn Cloud, known: &KnownSovereigns) -> Result<ScanReport, CloudError> {
    let kinds = ResourceKind::ALL
        .into_iter()
        .filter(|kind| *kind != ResourceKind::Certificate);
    let listings = try_join_all(kinds.map(|kind| cloud.list(kind)));
    let (listings, prices) = tokio::try_join!(listings, cloud.prices())?;
    Ok(judge(&listings.concat(), &prices, known))
}

/// Sorts everything in an account by Sovereign and says what is odd about it. Pure.
pub fn judge(everything: &[Resource], prices: &PriceList, known: &KnownSovereigns) -> ScanReport {
    let mut findings = Vec::new();
    let mut sovereigns = Vec::new();
    let mut attributed: BTreeSet<(ResourceKind, u64)> = BTreeSet::new();
    for sovereign in owners(everything, known) {
        let holdings = Holdings::judge(everything, Scope::of(sovereign.clone()));
        attributed.extend(
            holdings
                .items
                .iter()
                .map(|item| (item.resource.kind, item.resource.id)),
        );
        match known.get(&sovereign) {
            None => findings.extend(holdings.items.iter().map(|item| unknown(&sovereign, item))),
            Some(Some(view)) => findings.extend(drift::of(&sovereign, view, &holdings)),
            Some(None) => {}
        }
        sovereigns.push(ScannedSovereign::new(
            &sovereign,
            known.contains_key(&sovereign),
            holdings.items,
            prices,
        ));
    }
    let loose = |resource: &&Resource| {
        !attributed.contains(&(resource.kind, resource.id)) && !resource.goes_with_server
    };
    let others: Vec<&Resource> = everything.iter().filter(loose).collect();
    findings.extend(others.iter().filter_map(|resource| unused(resource)));
    ScanReport::new(everything, prices, sovereigns, &others, findings)
}

/// Every Sovereign that is known, or that a label names.
fn owners(everything: &[Resource], known: &KnownSovereigns) -> BTreeSet<SovereignName> {
    let labelled = everything
        .iter()
        .filter_map(|resource| resource.labels.get(label::SOVEREIGN)?.parse().ok());
    labelled.chain(known.keys().cloned()).collect()
}

fn unknown(sovereign: &SovereignName, item: &Holding) -> ScanFinding {
    let remedy = format!("if nobody runs `{sovereign}` any more: `sovereign destroy {sovereign}`");
    ScanFinding::new(Oddity::UnknownSovereign, Some(sovereign), &item.resource, remedy)
}

fn unused(resource: &Resource) -> Option<ScanFinding> {
    let unused = match resource.kind {
        ResourceKind::Volume | ResourceKind::PrimaryIp | ResourceKind::FloatingIp => {
            resource.servers.is_empty()
        }
        ResourceKind::LoadBalancer => resource.servers.is_empty(),
        _ => false,
    };
    let remedy = "remove it in the cloud's console if nobody needs it";
    unused.then(|| ScanFinding::new(Oddity::Unused, None, resource, remedy))
}
