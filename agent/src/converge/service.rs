//! Units of the system's own that a part needs: switched on, and put back to what they were when the part goes.

use crate::fault::Fault;
use crate::host::Host;
use crate::placed::UnitBefore;

/// Sees that `unit` starts at boot and is active; whether anything had to change. What it was before us is noted first.
pub(super) async fn switch_on(host: &Host, unit: &str, remedy: &str) -> Result<bool, Fault> {
    let now = UnitBefore {
        enabled: is(host, "is-enabled", unit).await?,
        active: is(host, "is-active", unit).await?,
    };
    if now.enabled && now.active {
        return Ok(false);
    }
    host.note(|placed| {
        placed.units.entry(unit.to_owned()).or_insert(now);
    })?;
    host.must("systemctl", &["enable", "--now", unit], remedy).await?;
    if is(host, "is-active", unit).await? {
        return Ok(true);
    }
    Err(Fault::new(
        format!("`{unit}` was started and is not active"),
        remedy,
    ))
}

/// Puts `unit` back to what it was before us; whether we had switched it.
pub(super) async fn put_back(host: &Host, unit: &str, remedy: &str) -> Result<bool, Fault> {
    let Some(before) = host.placed().units.get(unit).copied() else {
        return Ok(false);
    };
    // One that has gone meanwhile is nobody's to switch.
    if host.has_unit(unit) {
        if !before.enabled {
            host.must("systemctl", &["disable", unit], remedy).await?;
        }
        if !before.active {
            host.must("systemctl", &["stop", unit], remedy).await?;
            // One that did not stop well is stopped all the same.
            host.run("systemctl", &["reset-failed", unit]).await?;
        }
    }
    host.note(|placed| {
        placed.units.remove(unit);
    })?;
    Ok(true)
}

/// Whether systemd says so of `unit`.
pub(super) async fn is(host: &Host, what: &str, unit: &str) -> Result<bool, Fault> {
    Ok(host.run("systemctl", &[what, unit]).await?.success())
}
