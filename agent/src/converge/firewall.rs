//! The host's own filter: one nftables table, changed as a whole, there at boot before the network is.

mod rules;

use sovereign_core::host::HostConfig;

use super::due;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "firewall";

const RULES: &str = "/etc/sovereign-agent/firewall.nft";
const UNIT_NAME: &str = "sovereign-firewall.service";
const UNIT_FILE: &str = "/etc/systemd/system/sovereign-firewall.service";
/// A check before the change, so that a wrong rule leaves the old ones in force.
const UNIT: &str = "\
[Unit]
Description=Firewall of the Sovereign
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target
DefaultDependencies=no

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f /etc/sovereign-agent/firewall.nft

[Install]
WantedBy=sysinit.target
";
const REMEDY: &str = "use an image with the package `nftables` and a kernel that has nf_tables";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let Some(firewall) = &config.firewall else {
        let was_there = host.placed().files.contains_key(RULES);
        undo(host).await?;
        return Ok(Done::new(was_there, "left to the cloud's firewall"));
    };
    if !host.has_program("nft") {
        return Err(Fault::new(
            "there is no `nft` on this host, so it cannot filter",
            REMEDY,
        ));
    }
    let mut changed = due::place(host, NAME, RULES, &rules::render(firewall), 0o600)?;
    if due::place(host, NAME, UNIT_FILE, UNIT, 0o644)? {
        know_units(host).await?;
        changed = true;
    }
    if !host.run("systemctl", &["is-enabled", UNIT_NAME]).await?.success() {
        host.must(
            "systemctl",
            &["enable", UNIT_NAME],
            "see `systemctl status` on the host",
        )
        .await?;
        changed = true;
    }
    // Somebody may have flushed the rules since.
    if changed || !in_force(host).await? {
        let path = host.root.path(RULES).display().to_string();
        host.must("nft", &["-f", &path], REMEDY).await?;
        due::done(host, RULES)?;
        changed = true;
    }
    if !in_force(host).await? {
        return Err(Fault::new(
            "the kernel took the rules but does not have them",
            REMEDY,
        ));
    }
    let open = firewall.open_tcp.len();
    Ok(Done::new(
        changed,
        format!(
            "closed but for {} trusted ranges and {open} open ports",
            firewall.trusted.len()
        ),
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if !host.placed().files.contains_key(RULES) {
        return Ok(());
    }
    if host.placed().files.contains_key(UNIT_FILE) {
        // No unit of that name any more is what is wanted.
        host.run("systemctl", &["disable", "--now", UNIT_NAME]).await?;
    }
    if due::unplace(host, UNIT_FILE)? {
        know_units(host).await?;
    }
    if in_force(host).await? {
        host.must("nft", &["delete", "table", "inet", rules::TABLE], REMEDY)
            .await?;
    }
    host.unplace(RULES)?;
    due::done(host, RULES)
}

/// Lets systemd read the unit as it is now.
async fn know_units(host: &Host) -> Result<(), Fault> {
    host.must(
        "systemctl",
        &["daemon-reload"],
        "see `systemctl status` on the host",
    )
    .await?;
    due::done(host, UNIT_FILE)
}

async fn in_force(host: &Host) -> Result<bool, Fault> {
    Ok(host.has_program("nft")
        && host
            .run("nft", &["list", "table", "inet", rules::TABLE])
            .await?
            .success())
}
