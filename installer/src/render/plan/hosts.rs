//! The hosts of a plan: machines and their keys, how they are reached, what they are told at boot, and the zone they answer under.

use sovereign_bootstrap::link::Transport;
use sovereign_bootstrap::view::{PlanView, PlannedHost, PlannedUserData, PlannedZone};
use sovereign_core::host::HostRole;

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
    if let Some(k3s) = &view.k3s {
        parts.push(format!(
            "  each runs the k3s with the SHA-256 {}, {} MiB",
            k3s.sha256,
            k3s.size.div_ceil(MIB)
        ));
    }
    if !view.user_data.is_empty() {
        parts.push(user_data(&view.user_data, stream));
    }
    parts.extend(view.zone.as_ref().map(zone));
    parts.join("\n\n")
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

fn zone(zone: &PlannedZone) -> String {
    format!(
        "  zone {}, signed, answered by {}\n  names in it: {}",
        zone.name,
        zone.nameservers.join(", "),
        zone.names.join(", ")
    )
}
