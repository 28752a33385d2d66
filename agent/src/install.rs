//! Makes the agent a service of this host.

mod unit;

use crate::config::AgentConfig;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::signs;
use crate::state::{LEAVING, STATE_DIR};

/// Where the installer puts the agent.
pub const BINARY: &str = "/usr/local/bin/sovereign-agent";
/// The agent's unit.
pub const UNIT_NAME: &str = "sovereign-agent.service";
/// Where the unit is.
pub const UNIT_FILE: &str = "/etc/systemd/system/sovereign-agent.service";

const REMEDY: &str = "see why on the host: `journalctl -u sovereign-agent`";
const REMEDY_GOING: &str = "remove the unit by hand: `systemctl disable sovereign-agent`";

/// Takes the unit away. systemd knows it still, and starts the daemon again if it dies, until [`forget_unit`].
pub(crate) async fn remove_unit(host: &Host) -> Result<(), Fault> {
    if host.has_unit(UNIT_NAME) {
        host.must("systemctl", &["disable", UNIT_NAME], REMEDY_GOING)
            .await?;
    }
    disk::remove(&host.root.path(UNIT_FILE))
        .or_fault("removing", UNIT_FILE)
        .map(drop)
}

/// Lets systemd forget the unit that was taken away: from then on an end of the daemon is the end.
pub(crate) async fn forget_unit(host: &Host) -> Result<(), Fault> {
    host.must("systemctl", &["daemon-reload"], REMEDY_GOING)
        .await
        .map(drop)
}

/// Whether this daemon was started from a unit that is taken away: a process before it died at its last word.
pub(crate) fn is_without_unit(host: &Host) -> bool {
    signs::is_service() && !host.root.exists(UNIT_FILE)
}

/// Writes configuration and unit, and sees that this very binary runs as a service. Repeating it changes nothing.
///
/// Returns once the daemon says that it is ready; whether anything had to change.
pub async fn install(host: &Host, config: &AgentConfig) -> Result<bool, Fault> {
    if !host.root.exists(BINARY) {
        return Err(Fault::new(
            format!("there is no agent at `{BINARY}`, where the service looks for it"),
            format!("put this file there: `install -m 0755 <file> {BINARY}`"),
        ));
    }
    disk::folder(&host.root.path(STATE_DIR), 0o700).or_fault("making", STATE_DIR)?;
    // The unit sees nothing of /root but this folder, which has to be there to be seen.
    if !host.root.exists("/root/.ssh") {
        disk::folder(&host.root.path("/root/.ssh"), 0o700).or_fault("making", "/root/.ssh")?;
    }
    // Whoever installs it wants it here, even if it was told to leave before.
    let mut changed = disk::remove(&host.root.path(LEAVING)).or_fault("removing", LEAVING)?;
    changed |= config.save(&host.root)?;
    let unit = unit::text(BINARY);
    if host
        .root
        .read(UNIT_FILE)
        .or_fault("reading", UNIT_FILE)?
        .as_deref()
        != Some(unit.as_str())
    {
        disk::write(&host.root.path(UNIT_FILE), unit.as_bytes(), 0o644).or_fault("writing", UNIT_FILE)?;
        host.must("systemctl", &["daemon-reload"], REMEDY).await?;
        changed = true;
    }
    if !host.run("systemctl", &["is-enabled", UNIT_NAME]).await?.success() {
        host.must("systemctl", &["enable", UNIT_NAME], REMEDY).await?;
        changed = true;
    }
    if changed || !runs_this_binary(host).await? {
        host.must("systemctl", &["restart", UNIT_NAME], REMEDY).await?;
        changed = true;
    }
    Ok(changed)
}

/// A binary that was replaced while it ran shows up as deleted.
async fn runs_this_binary(host: &Host) -> Result<bool, Fault> {
    let shown = host
        .must(
            "systemctl",
            &["show", "-p", "MainPID", "--value", UNIT_NAME],
            REMEDY,
        )
        .await?;
    let pid = shown.stdout.trim();
    let runs = std::fs::read_link(host.root.path(&format!("/proc/{pid}/exe")));
    Ok(pid != "0" && runs.is_ok_and(|path| path == std::path::Path::new(BINARY)))
}
