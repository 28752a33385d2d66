//! Server types, locations, images, and servers that are there already.

use std::collections::BTreeSet;

use sovereign_cloud::label;
use sovereign_cloud::resource::{Resource, ResourceKind};

use super::Check;
use crate::planner::layout::{CONTROL_PLANE, GroupLayout, RegionLayout};

/// Every server that has to be made can be had; no control plane server goes by the way.
pub(super) fn check(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    for group in &layout.groups {
        choices(check, group);
        present(check, group);
    }
    architectures(check, layout);
    control_plane(check, layout);
}

fn choices(check: &mut Check<'_>, group: &GroupLayout<'_>) {
    if group.missing() == 0 {
        return;
    }
    for passed in &group.passed_over {
        let (server_type, location) = (&passed.candidate.server_type, &passed.candidate.location);
        let message = format!("`{server_type}` in `{location}` is passed over: {}", passed.why);
        check.note(
            "candidate",
            &group.path,
            message,
            "nothing to do while another choice is left",
        );
    }
    if group.choices.is_empty() {
        let message = format!(
            "none of the {} server types and locations can be had",
            group.passed_over.len()
        );
        check.error(
            "sold_out",
            &group.path,
            message,
            "add server types or locations to the lists",
        );
    }
}

fn present(check: &mut Check<'_>, group: &GroupLayout<'_>) {
    for server in group.servers.iter().filter_map(|server| server.present) {
        if server.status.as_deref() == Some("off") {
            let message = format!("{server} is there and switched off");
            check.warn("off", &group.path, message, "switch it on in the cloud's console");
        }
        if !is_listed(group, server) {
            let message = format!(
                "{server} stays what it is, `{}` in `{}`, which the spec does not list",
                server.flavor.as_deref().unwrap_or("unknown"),
                server.location.as_deref().unwrap_or("unknown"),
            );
            check.note(
                "unlisted",
                &group.path,
                message,
                "nothing to do; the installer does not change a server's type",
            );
        }
    }
}

fn is_listed(group: &GroupLayout<'_>, server: &Resource) -> bool {
    group.group.candidates().iter().any(|candidate| {
        Some(&candidate.server_type) == server.flavor.as_ref()
            && Some(&candidate.location) == server.location.as_ref()
    })
}

/// Images of both architectures are needed as soon as a region may have servers of both.
fn architectures(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let choices = layout
        .groups
        .iter()
        .filter(|group| group.missing() > 0)
        .flat_map(|group| &group.choices);
    let kinds: BTreeSet<&str> = choices
        .filter_map(|choice| check.inventory.offer(&choice.candidate))
        .map(|(server_type, _)| server_type.architecture.as_str())
        .collect();
    if kinds.len() > 1 {
        let kinds: Vec<&str> = kinds.into_iter().collect();
        let message = format!(
            "the region may get servers of several architectures: {}",
            kinds.join(", ")
        );
        check.warn(
            "architecture",
            &layout.path,
            message,
            "list types of one architecture unless every workload has images for all",
        );
    }
}

/// Taking a member out would cost the cluster its quorum, so it is never done by the way.
fn control_plane(check: &mut Check<'_>, layout: &RegionLayout<'_>) {
    let sovereign = check.spec.name.as_str();
    let wanted = |name: &str| {
        let control_plane = layout.groups.iter().filter(|group| group.role == CONTROL_PLANE);
        control_plane
            .flat_map(|group| &group.servers)
            .any(|server| server.name == name)
    };
    let extra: Vec<String> = check
        .inventory
        .resources
        .iter()
        .filter(|resource| resource.kind == ResourceKind::Server)
        .filter(|server| label::belongs_to(&server.labels, sovereign))
        .filter(|server| {
            server
                .labels
                .get(label::ROLE)
                .is_some_and(|role| role == CONTROL_PLANE)
        })
        .filter(|server| server.labels.get(label::REGION) == Some(&layout.region.name))
        .filter(|server| !wanted(&server.name))
        .map(|server| format!("`{}`", server.name))
        .collect();
    if !extra.is_empty() {
        let message = format!(
            "the spec has no place for control plane servers {}",
            extra.join(", ")
        );
        check.error(
            "control_plane",
            &format!("{}.controlPlane.count", layout.path),
            message,
            "keep the count: taking a member out would cost the cluster its quorum",
        );
    }
}
