//! Where the host gets its time from.

use sovereign_core::host::HostConfig;

use super::due;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "time";

const DROP_IN: &str = "/etc/systemd/timesyncd.conf.d/10-sovereign.conf";
const UNIT: &str = "systemd-timesyncd.service";
const REMEDY: &str = "see why on the host: `systemctl status systemd-timesyncd`";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    if config.time_servers.is_empty() {
        let changed = host.placed().files.contains_key(DROP_IN);
        undo(host).await?;
        return Ok(Done::new(changed, "the system's own servers"));
    }
    if !host.has_unit(UNIT) {
        return Ok(Done::new(
            false,
            "not there: put systemd-timesyncd into the image, or set these servers in the image's own time service",
        ));
    }
    let servers = config.time_servers.join(" ");
    let mut changed = due::place(host, NAME, DROP_IN, &format!("[Time]\nNTP={servers}\n"), 0o644)?;
    if changed {
        read_again(host).await?;
    }
    // In a container the unit's own condition keeps it off, and systemd counts that as well.
    if !host.run("systemctl", &["is-enabled", UNIT]).await?.success() {
        host.must("systemctl", &["enable", "--now", UNIT], REMEDY).await?;
        changed = true;
    }
    Ok(Done::new(changed, servers))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if due::unplace(host, DROP_IN)? {
        read_again(host).await?;
    }
    Ok(())
}

async fn read_again(host: &Host) -> Result<(), Fault> {
    if host.has_unit(UNIT) {
        host.must("systemctl", &["try-restart", UNIT], REMEDY).await?;
    }
    due::done(host, DROP_IN)
}
