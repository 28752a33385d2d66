//! Security updates that install themselves in a window, or do not.

use sovereign_core::host::{HostConfig, Upgrades};

use super::{due, service};
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "upgrades";

/// Read after `20auto-upgrades` and `50unattended-upgrades`, so what stands here wins.
const APT: &str = "/etc/apt/apt.conf.d/52-sovereign-upgrades";
const APT_DIR: &str = "/etc/apt/apt.conf.d";
const TIMER: &str = "apt-daily-upgrade.timer";
/// The first one fetches the lists of packages that the second one goes by.
const TIMERS: [&str; 2] = ["apt-daily.timer", TIMER];
const REMEDY: &str = "see why on the host: `systemctl status apt-daily.timer apt-daily-upgrade.timer`";
const TIMER_DROP_IN: &str = "/etc/systemd/system/apt-daily-upgrade.timer.d/10-sovereign.conf";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    if !host.root.exists(APT_DIR) {
        return Ok(Done::new(
            false,
            "warning: not there: this system has no apt; set up its own updates in the image",
        ));
    }
    let Some(upgrades) = &config.upgrades else {
        let mut changed = host.place(NAME, APT, "APT::Periodic::Unattended-Upgrade \"0\";\n", 0o644)?;
        changed |= set_timer(host, None).await?;
        changed |= put_back(host).await?;
        return Ok(Done::new(changed, "switched off"));
    };
    if !host.has_program("unattended-upgrade") {
        return Ok(Done::new(
            false,
            "warning: not there: put the package `unattended-upgrades` into the image",
        ));
    }
    let mut changed = host.place(NAME, APT, &apt(upgrades), 0o644)?;
    changed |= set_timer(host, Some(upgrades)).await?;
    for timer in TIMERS {
        changed |= service::switch_on(host, timer, REMEDY).await?;
    }
    let reboot = if upgrades.reboot {
        "may reboot"
    } else {
        "no reboot"
    };
    let detail = format!(
        "daily at {:02}:{:02} UTC, {reboot}",
        upgrades.hour, upgrades.minute
    );
    Ok(Done::new(changed, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    set_timer(host, None).await?;
    put_back(host).await?;
    host.unplace(APT).map(drop)
}

async fn put_back(host: &Host) -> Result<bool, Fault> {
    let mut changed = false;
    for timer in TIMERS {
        changed |= service::put_back(host, timer, REMEDY).await?;
    }
    Ok(changed)
}

fn apt(upgrades: &Upgrades) -> String {
    // The timer opens the window in UTC; apt's own reboot time would be in the host's zone, so it is `now`, in the window.
    format!(
        "APT::Periodic::Update-Package-Lists \"1\";\n\
         APT::Periodic::Unattended-Upgrade \"1\";\n\
         Unattended-Upgrade::Automatic-Reboot \"{}\";\n\
         Unattended-Upgrade::Automatic-Reboot-WithUsers \"true\";\n\
         Unattended-Upgrade::Automatic-Reboot-Time \"now\";\n\
         Unattended-Upgrade::Remove-Unused-Kernel-Packages \"true\";\n",
        upgrades.reboot
    )
}

async fn set_timer(host: &Host, upgrades: Option<&Upgrades>) -> Result<bool, Fault> {
    let changed = match upgrades {
        Some(Upgrades { hour, minute, .. }) => {
            let text = format!(
                "[Timer]\nOnCalendar=\nOnCalendar=*-*-* {hour:02}:{minute:02}:00 UTC\nRandomizedDelaySec=0\nPersistent=false\n"
            );
            due::place(host, NAME, TIMER_DROP_IN, &text, 0o644)?
        }
        None => due::unplace(host, TIMER_DROP_IN)?,
    };
    if changed {
        host.must("systemctl", &["daemon-reload"], REMEDY).await?;
        host.must("systemctl", &["try-restart", TIMER], REMEDY).await?;
        due::done(host, TIMER_DROP_IN)?;
    }
    Ok(changed)
}
