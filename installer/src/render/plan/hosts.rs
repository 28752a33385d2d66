//! The hosts of a plan: machines and their keys, how they are reached, what they are told at boot, and the zone they answer under.

use sovereign_bootstrap::cluster::ClusterFiles;
use sovereign_bootstrap::link::Transport;
use sovereign_bootstrap::view::{
    DelegatedBy, PlanView, PlannedDelegation, PlannedHost, PlannedUserData, PlannedZone,
};
use sovereign_core::host::HostRole;
use sovereign_core::k3s::Artifact;

use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;

/// Cells of the meter of user data.
const METER: usize = 20;

const MIB: u64 = 1024 * 1024;

/// Everything a plan says about hosts and names.
pub(super) fn render(view: &PlanView, stream: Stream) -> String {
    let mut parts = Vec::new();
    if view.hosts.iter().any(|host| host.address.is_some()) {
        parts.push(machines(&view.hosts));
    }
    let link = match &view.link.transport {
        Transport::Https { url } => format!("{} hosts call this installer at {url}", view.hosts.len()),
        Transport::Ssh => format!("this installer calls {} hosts over SSH", view.hosts.len()),
    };
    parts.push(format!("  {link}"));
    if let Some(ClusterFiles { k3s, kit }) = &view.files {
        parts.push(format!(
            "  each runs the k3s with the SHA-256 {}\n  and serves the kit with the SHA-256 {}",
            file(k3s),
            file(kit)
        ));
    }
    if !view.user_data.is_empty() {
        parts.push(user_data(&view.user_data, stream));
    }
    parts.extend(view.zone.as_ref().map(zone));
    parts.extend(view.delegation.as_ref().map(delegation));
    parts.join("\n\n")
}

fn file(file: &Artifact) -> String {
    format!("{}, {} MiB", file.sha256, file.size.div_ceil(MIB))
}

fn machines(hosts: &[PlannedHost]) -> String {
    let mut table = Columns::new(["machine", "address", "host key"]);
    for host in hosts {
        table.row([
            host.name.clone(),
            host.address.clone().unwrap_or_default(),
            host.host_key.clone().unwrap_or_default(),
        ]);
    }
    table.render("  ")
}

/// A line a role: how much of the budget its user data takes.
fn user_data(all: &[PlannedUserData], stream: Stream) -> String {
    let mut table = Columns::new(["user data", "bytes", "budget", ""])
        .right(1)
        .right(2);
    for data in all {
        let filled = (data.bytes * METER).div_ceil(data.budget.max(1)).min(METER);
        let meter = format!("{}{}", "#".repeat(filled), ".".repeat(METER - filled));
        table.row([
            role(data.role).to_owned(),
            data.bytes.to_string(),
            format!("{} of {}", data.budget, data.limit),
            stream.paint(Tone::Faint, &meter),
        ]);
    }
    table.render("  ")
}

fn role(role: HostRole) -> &'static str {
    match role {
        HostRole::FirstControlPlane => "first control plane",
        HostRole::ControlPlane => "control plane",
        HostRole::Worker => "worker",
    }
}

/// Where the parent is to lead, and who sees to that.
fn delegation(delegation: &PlannedDelegation) -> String {
    let by = match delegation.by {
        DelegatedBy::Api => "by API; `sovereign dns plan` looks at what is there now",
        DelegatedBy::Hand => "by hand: the run shows what to enter, and watches for it",
    };
    let parent = match &delegation.parent {
        Some(parent) => format!("in zone {parent}"),
        None => "at its registrar".to_owned(),
    };
    format!(
        "  {} is delegated {parent}, {by}\n    {}\n    and DS of the zone's key, which is made with the zone",
        delegation.name,
        delegation.records.join("\n    ")
    )
}

fn zone(zone: &PlannedZone) -> String {
    let secondaries = if zone.secondaries.is_empty() {
        String::new()
    } else {
        format!("\n  secondaries of it: {}", zone.secondaries.join(", "))
    };
    let caa = if zone.caa.is_empty() {
        String::new()
    } else {
        format!("\n  CAA of it: {}", zone.caa.join(", "))
    };
    format!(
        "  zone {}, signed, answered by {}{secondaries}{caa}\n  names in it: {}",
        zone.name,
        zone.nameservers.join(", "),
        zone.names.join(", ")
    )
}
