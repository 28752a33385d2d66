//! Addresses that fail to log in are banned for a while.

use sovereign_core::host::HostConfig;

use super::due;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "fail2ban";

const JAIL: &str = "/etc/fail2ban/jail.d/10-sovereign.local";
const UNIT: &str = "fail2ban.service";
/// The journal, since there need not be a log file; nftables, since that is what the host filters with.
const TEXT: &str = "\
[sshd]
enabled = true
backend = systemd
banaction = nftables-multiport
maxretry = 5
findtime = 10m
bantime = 1h
";
const REMEDY: &str = "see why on the host: `systemctl status fail2ban`";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    if !config.fail2ban {
        let changed = host.placed().files.contains_key(JAIL);
        undo(host).await?;
        return Ok(Done::new(changed, "not asked for"));
    }
    if !host.has_program("fail2ban-server") {
        return Ok(Done::new(
            false,
            "not there: put the packages `fail2ban` and `python3-systemd` into the image",
        ));
    }
    let mut changed = due::place(host, NAME, JAIL, TEXT, 0o644)?;
    if changed {
        read_again(host).await?;
    }
    let enabled = host.run("systemctl", &["is-enabled", UNIT]).await?.success();
    let active = host.run("systemctl", &["is-active", UNIT]).await?.success();
    if !enabled || !active {
        host.must("systemctl", &["enable", "--now", UNIT], REMEDY).await?;
        changed = true;
    }
    Ok(Done::new(
        changed,
        "five failures in ten minutes, banned for an hour",
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if due::unplace(host, JAIL)? {
        read_again(host).await?;
    }
    Ok(())
}

async fn read_again(host: &Host) -> Result<(), Fault> {
    if host.has_unit(UNIT) {
        host.must("systemctl", &["try-restart", UNIT], REMEDY).await?;
    }
    due::done(host, JAIL)
}
