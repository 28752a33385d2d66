//! How large the user data of each role will be, before there are secrets to put into it.

use std::collections::BTreeMap;

use sovereign_core::finding::{Finding, Severity};
use sovereign_core::host::HostRole;
use sovereign_core::spec::SovereignSpec;
use sovereign_templates::{Budget, CloudInit, Meter, Reach, UserData, filler};

use super::hosts;
use super::layout::{CONTROL_PLANE, RegionLayout};
use crate::link::{LinkPlan, Transport};
use crate::view::PlannedUserData;

/// The meter of every role, by its longest host name. What does not fit is a finding.
pub(super) fn meters(
    spec: &SovereignSpec,
    layouts: &[RegionLayout<'_>],
    link: &LinkPlan,
    findings: &mut Vec<Finding>,
) -> Vec<PlannedUserData> {
    let mut meters = Vec::new();
    for (role, hostname) in longest_names(layouts) {
        match meter(spec, link, role, hostname) {
            Ok(meter) => meters.push(PlannedUserData {
                role,
                bytes: meter.bytes,
                budget: meter.budget,
                limit: meter.limit,
            }),
            Err(message) => findings.push(Finding::new(
                Severity::Error,
                "preflight.user_data",
                "",
                message,
                "shorten what the biggest parts hold: fewer or shorter SSH keys, a shorter name of the organization",
            )),
        }
    }
    meters
}

fn longest_names<'l>(layouts: &'l [RegionLayout<'_>]) -> BTreeMap<HostRole, &'l str> {
    let mut longest: BTreeMap<HostRole, &str> = BTreeMap::new();
    for (place, layout) in layouts.iter().enumerate() {
        for group in &layout.groups {
            for server in &group.servers {
                let role = hosts::role(group.role == CONTROL_PLANE, place == 0, server.index);
                let name = longest.entry(role).or_default();
                if server.name.len() > name.len() {
                    *name = &server.name;
                }
            }
        }
    }
    longest
}

fn meter(spec: &SovereignSpec, link: &LinkPlan, role: HostRole, hostname: &str) -> Result<Meter, String> {
    let budget = Budget::hetzner();
    let input = CloudInit {
        hostname: hostname.to_owned(),
        sovereign: spec.name.clone(),
        organization: spec.organization.name.clone(),
        fqdn: spec.domain.fqdn(),
        role,
        authorized_keys: spec.access.ssh_keys.clone(),
        reach: stand_in(link),
    };
    let rendered = UserData::render(&input, budget.encoding).map_err(|error| error.to_string())?;
    budget.check(&rendered).map_err(|error| error.to_string())
}

fn stand_in(link: &LinkPlan) -> Reach {
    match &link.transport {
        Transport::Https { url } => filler::https(url, &link.agent),
        Transport::Ssh => filler::ssh(),
    }
}
