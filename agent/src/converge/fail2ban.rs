//! Addresses that fail to log in are banned for a while.

use sovereign_core::host::HostConfig;

use super::{due, service};
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
        let changed = take_away(host).await?;
        return Ok(Done::new(changed, "not asked for"));
    }
    if !host.has_program("fail2ban-server") {
        return Ok(Done::new(
            false,
            "warning: not there: put the packages `fail2ban` and `python3-systemd` into the image",
        ));
    }
    let mut changed = due::place(host, NAME, JAIL, TEXT, 0o644)?;
    if changed {
        read_again(host).await?;
    }
    changed |= service::switch_on(host, UNIT, REMEDY).await?;
    Ok(Done::new(
        changed,
        "five failures in ten minutes, banned for an hour",
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    take_away(host).await.map(drop)
}

async fn take_away(host: &Host) -> Result<bool, Fault> {
    let changed = due::unplace(host, JAIL)?;
    if changed {
        read_again(host).await?;
    }
    Ok(service::put_back(host, UNIT, REMEDY).await? || changed)
}

async fn read_again(host: &Host) -> Result<(), Fault> {
    if host.has_unit(UNIT) {
        host.must("systemctl", &["try-restart", UNIT], REMEDY).await?;
    }
    due::done(host, JAIL)
}
