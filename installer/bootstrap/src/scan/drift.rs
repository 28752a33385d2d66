//! A Sovereign's plan against what it holds.

use std::collections::BTreeMap;

use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::name::SovereignName;

use super::report::{Oddity, ScanFinding};
use crate::teardown::{Holding, Holdings};
use crate::view::{Act, PlanView, PlannedResource};

type Planned<'a> = BTreeMap<(ResourceKind, &'a str), &'a PlannedResource>;

/// What is missing, extra, relabelled or not running. SSH keys are left out: an equal key of somebody else's may serve.
pub(super) fn of(sovereign: &SovereignName, view: &PlanView, holdings: &Holdings) -> Vec<ScanFinding> {
    let lasting = view.resources.iter().filter(|planned| planned.act != Act::Remove);
    let planned: Planned<'_> = lasting
        .filter(|planned| planned.kind != ResourceKind::SshKey)
        .map(|planned| ((planned.kind, planned.name.as_str()), planned))
        .collect();
    let mut missing = planned.clone();
    let mut findings = Vec::new();
    for item in holdings
        .items
        .iter()
        .filter(|item| item.resource.kind != ResourceKind::SshKey)
    {
        let resource = &item.resource;
        missing.remove(&(resource.kind, resource.name.as_str()));
        findings.extend(match planned.get(&(resource.kind, resource.name.as_str())) {
            Some(planned) => changed(sovereign, planned, resource),
            None => Some(extra(sovereign, item)),
        });
    }
    findings.extend(missing.into_keys().map(|(kind, name)| ScanFinding {
        oddity: Oddity::Missing,
        sovereign: Some(sovereign.to_string()),
        kind,
        id: None,
        name: name.to_owned(),
        monthly: None,
        remedy: format!("`sovereign up` with the spec of `{sovereign}` makes it again"),
    }));
    findings
}

fn changed(sovereign: &SovereignName, planned: &PlannedResource, resource: &Resource) -> Option<ScanFinding> {
    let status = resource.status.as_deref().unwrap_or("running");
    if resource.kind == ResourceKind::Server && status != "running" {
        let remedy = format!("it is `{status}`: start it in the cloud's console");
        return Some(ScanFinding::new(
            Oddity::NotRunning,
            Some(sovereign),
            resource,
            remedy,
        ));
    }
    let lost: Vec<&str> = planned
        .labels
        .iter()
        .filter(|(key, value)| resource.labels.get(*key) != Some(value))
        .map(|(key, _)| key.as_str())
        .collect();
    (!lost.is_empty()).then(|| {
        let remedy = format!("give it back its labels: {}", lost.join(", "));
        ScanFinding::new(Oddity::Relabelled, Some(sovereign), resource, remedy)
    })
}

fn extra(sovereign: &SovereignName, item: &Holding) -> ScanFinding {
    let oddity = if item.resource.labels.contains_key(label::SOVEREIGN) {
        Oddity::Unplanned
    } else {
        Oddity::Unlabelled
    };
    let remedy = format!(
        "it {}; `sovereign destroy {sovereign}` removes it with the rest",
        item.reason
    );
    ScanFinding::new(oddity, Some(sovereign), &item.resource, remedy)
}
