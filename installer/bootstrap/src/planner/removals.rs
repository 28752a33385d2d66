//! What is ours, was planned once, and has no place in the spec any more.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use sovereign_cloud::inventory::Inventory;
use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::finding::{Finding, Severity};
use sovereign_core::spec::SovereignSpec;

use super::layout::WORKER;
use crate::names::{self, Names};

/// What goes, in the order in which it goes, and what stays although nothing plans it.
pub(super) struct Removals<'a> {
    /// Workers, the highest index first.
    pub(super) servers: Vec<&'a Resource>,
    /// What is free when the servers are gone.
    pub(super) others: Vec<&'a Resource>,
    /// One for each resource that stays.
    pub(super) findings: Vec<Finding>,
}

/// Compares what carries the Sovereign's label with what is planned.
pub(super) fn of<'a>(
    spec: &SovereignSpec,
    inventory: &'a Inventory,
    planned: &BTreeSet<(ResourceKind, String)>,
) -> Removals<'a> {
    let sovereign = spec.name.as_str();
    let mut servers = Vec::new();
    let (mut others, mut findings) = (Vec::new(), Vec::new());
    for resource in &inventory.resources {
        let unplanned = !planned.contains(&(resource.kind, resource.name.clone()));
        if !unplanned || !label::belongs_to(&resource.labels, sovereign) {
            continue;
        }
        if let Some(place) = worker(spec, resource) {
            servers.push((place, resource));
        } else if is_spare_placement_group(spec, resource) || is_spare_key(spec, resource) {
            others.push(resource);
        } else {
            findings.push(stays(resource));
        }
    }
    servers.sort_by_key(|(place, _)| Reverse(*place));
    others.sort_by_key(|resource| (resource.kind, resource.name.as_str()));
    Removals {
        servers: servers.into_iter().map(|(_, server)| server).collect(),
        others,
        findings,
    }
}

/// Group and index of a worker that this installer made. A server that only carries the label, such as one that an autoscaler
/// made, has no such name.
fn worker<'a>(spec: &SovereignSpec, resource: &'a Resource) -> Option<(&'a str, &'a str, u32)> {
    let region = region_of(resource)?;
    let role = resource.labels.get(label::ROLE)?;
    let (group, index) = Names::new(&spec.name, region).parse_server(&resource.name)?;
    (resource.kind == ResourceKind::Server && role == WORKER).then_some((region, group, index))
}

fn region_of(resource: &Resource) -> Option<&str> {
    resource.labels.get(label::REGION).map(String::as_str)
}

fn is_spare_placement_group(spec: &SovereignSpec, resource: &Resource) -> bool {
    let prefix = region_of(resource).map(|region| format!("{}-{region}-", spec.name));
    resource.kind == ResourceKind::PlacementGroup
        && prefix
            .is_some_and(|prefix| resource.name.starts_with(&prefix) && resource.name.contains("-spread-"))
}

fn is_spare_key(spec: &SovereignSpec, resource: &Resource) -> bool {
    let own_name = resource
        .fingerprint
        .as_deref()
        .map(|fingerprint| names::ssh_key(&spec.name, fingerprint));
    resource.kind == ResourceKind::SshKey && own_name.as_ref() == Some(&resource.name)
}

fn stays(resource: &Resource) -> Finding {
    Finding::new(
        Severity::Warning,
        "plan.unplanned",
        "",
        format!("{resource} carries this Sovereign's label and is in no plan: it stays"),
        "nothing to do if the cluster made it; `destroy` removes it with the rest",
    )
}
