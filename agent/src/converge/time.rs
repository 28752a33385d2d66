//! Where the host gets its time from.

use sovereign_core::host::HostConfig;

use super::{due, service};
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "time";

const DROP_IN: &str = "/etc/systemd/timesyncd.conf.d/10-sovereign.conf";
const UNIT: &str = "systemd-timesyncd.service";
/// Whoever of these is active keeps the time already.
const OTHERS: [&str; 6] = [
    "chrony.service",
    "chronyd.service",
    "ntpsec.service",
    "ntp.service",
    "ntpd.service",
    "openntpd.service",
];
const REMEDY: &str = "see why on the host: `systemctl status systemd-timesyncd`; another time service that is active is as good";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    if let Some(other) = other(host).await? {
        let detail = if config.time_servers.is_empty() {
            format!("kept by `{other}`")
        } else {
            format!("warning: kept by `{other}`, with servers of its own: set these there")
        };
        return Ok(Done::new(false, detail));
    }
    if !host.has_unit(UNIT) {
        return Ok(Done::new(
            false,
            "warning: nobody keeps the time: put systemd-timesyncd or another time service into the image",
        ));
    }
    let mut changed = set_servers(host, &config.time_servers).await?;
    if host.root.in_container() {
        // The unit's own condition keeps it off.
        return Ok(Done::new(changed, "left to the machine around this container"));
    }
    changed |= service::switch_on(host, UNIT, REMEDY).await?;
    let detail = match config.time_servers.as_slice() {
        [] => "the system's own servers".to_owned(),
        servers => servers.join(" "),
    };
    Ok(Done::new(changed, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    set_servers(host, &[]).await?;
    service::put_back(host, UNIT, REMEDY).await.map(drop)
}

async fn other(host: &Host) -> Result<Option<&'static str>, Fault> {
    for unit in OTHERS {
        if host.has_unit(unit) && service::is(host, "is-active", unit).await? {
            return Ok(Some(unit));
        }
    }
    Ok(None)
}

async fn set_servers(host: &Host, servers: &[String]) -> Result<bool, Fault> {
    let changed = if servers.is_empty() {
        due::unplace(host, DROP_IN)?
    } else {
        let text = format!("[Time]\nNTP={}\n", servers.join(" "));
        due::place(host, NAME, DROP_IN, &text, 0o644)?
    };
    if changed {
        if host.has_unit(UNIT) {
            host.must("systemctl", &["try-restart", UNIT], REMEDY).await?;
        }
        due::done(host, DROP_IN)?;
    }
    Ok(changed)
}
