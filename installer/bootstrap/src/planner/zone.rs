//! The Sovereign's zone in a plan.

use std::collections::BTreeSet;
use std::net::IpAddr;

use sovereign_core::spec::{Dns, DnsCaa, SovereignSpec};
use sovereign_dns::record::Caa;
use sovereign_dns::{DomainName, Mailbox};
use sovereign_engine::plan::{PlanBuilder, PlanError, StepName, StepRef};

use super::pool;
use crate::steps::{CreateLoadBalancer, CreateZone};
use crate::view::PlannedZone;

/// The zone, between the steps of a name out of a pool: a step for it, where the Sovereign has a name and somebody to answer for it. Its names lead to the load balancers and to
/// `addresses`.
pub(super) fn draft(
    plan: &mut PlanBuilder,
    spec: &SovereignSpec,
    balancers: Vec<StepRef<CreateLoadBalancer>>,
    addresses: Vec<IpAddr>,
) -> Result<Option<(PlannedZone, StepRef<CreateZone>)>, PlanError> {
    let hold = pool::hold(plan, spec)?;
    let Some(step) = step(spec, balancers, addresses) else {
        return Ok(None);
    };
    let balancers = step.balancers.iter().map(|balancer| balancer.name().clone());
    let after: Vec<StepName> = hold
        .iter()
        .map(|hold| hold.name().clone())
        .chain(balancers)
        .collect();
    let name = step.zone.as_str().to_owned();
    let zone = PlannedZone {
        nameservers: step
            .nameservers
            .iter()
            .map(|server| server.as_str().to_owned())
            .collect(),
        names: step.names(),
        secondaries: step.secondaries.iter().map(ToString::to_string).collect(),
        caa: step.caa.iter().map(ToString::to_string).collect(),
        name: name.clone(),
    };
    let made = plan.step(
        StepName::new(format!("zone/{name}")),
        format!("zone {name}"),
        &step,
        &after,
    )?;
    pool::delegate(plan, spec, hold, made.clone())?;
    Ok(Some((zone, made)))
}

/// The zone that a spec asks for, with names that lead nowhere yet; none where it asks for none.
pub fn zone_of(spec: &SovereignSpec) -> Option<CreateZone> {
    step(spec, Vec::new(), Vec::new())
}

/// The spec's parser has seen to it that its names are names.
fn step(
    spec: &SovereignSpec,
    balancers: Vec<StepRef<CreateLoadBalancer>>,
    addresses: Vec<IpAddr>,
) -> Option<CreateZone> {
    let Dns {
        nameservers,
        secondaries,
        catalog,
        caa,
        ..
    } = spec.dns.as_ref()?;
    let zone: DomainName = spec.domain.fqdn()?.parse().ok()?;
    Some(CreateZone {
        sovereign: spec.name.clone(),
        contact: spec
            .organization
            .email
            .parse()
            .unwrap_or_else(|_| Mailbox::hostmaster(&zone)),
        zone,
        nameservers: nameservers.iter().filter_map(|name| name.parse().ok()).collect(),
        balancers,
        addresses,
        secondaries: secondaries.iter().map(|secondary| secondary.address).collect(),
        catalog: catalog.as_ref().and_then(|name| name.parse().ok()),
        rule: None,
        caa: caa.as_ref().map(records).unwrap_or_default(),
        proven_within: None,
    })
}

/// The spec's parser has seen to it that its issuers fit into records.
fn records(wanted: &DnsCaa) -> BTreeSet<Caa> {
    let issue = wanted.issuers.iter().map(|issuer| Caa::issue(issuer));
    let nobody = wanted
        .wildcard_issuers
        .as_ref()
        .filter(|issuers| issuers.is_empty());
    let nobody = nobody.map(|_| Caa::issue_wildcard(";"));
    let wildcards = wanted.wildcard_issuers.iter().flatten();
    let wildcards = wildcards.map(|issuer| Caa::issue_wildcard(issuer)).chain(nobody);
    let contact = wanted.contact.iter().map(|contact| Caa::report_to(contact));
    issue
        .chain(wildcards)
        .chain(contact)
        .filter_map(Result::ok)
        .collect()
}
