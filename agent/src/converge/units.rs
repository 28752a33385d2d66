//! systemd units of the configuration.

use std::time::Duration;

use sovereign_core::host::{HostConfig, HostUnit};

use super::due;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::runner::Command;
use crate::systemd::{self, FOLDER, Properties};

pub(super) const NAME: &str = "units";

/// A unit may take as long to start as systemd lets it by default, and some more.
const START: Duration = Duration::from_mins(3);
const REMEDY: &str = "the log lines above say why; the agent tries again by itself";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let gone = take_away(host, |name| config.units.contains_key(name)).await?;
    let mut written = Vec::new();
    for (name, unit) in &config.units {
        check(name)?;
        if due::place(host, NAME, &path_of(name), &unit.content, 0o644)? {
            written.push(name.as_str());
        }
    }
    if !written.is_empty() {
        host.must("systemctl", &["daemon-reload"], REMEDY).await?;
    }
    let mut changed = gone > 0 || !written.is_empty();
    // One that does not start must not keep the others down.
    let mut fault: Option<Fault> = None;
    for (name, unit) in &config.units {
        match settle(host, name, unit, written.contains(&name.as_str())).await {
            Ok(settled) => changed |= settled,
            Err(next) => {
                fault = Some(match fault {
                    Some(first) => join(first, next),
                    None => next,
                });
            }
        }
    }
    if let Some(fault) = fault {
        return Err(fault);
    }
    let detail = format!(
        "{} units, {} written, {gone} taken away",
        config.units.len(),
        written.len()
    );
    Ok(Done::new(changed, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    take_away(host, |_| false).await.map(drop)
}

fn join(first: Fault, next: Fault) -> Fault {
    let log = first.log.into_iter().chain(next.log).collect();
    Fault::new(format!("{}; {}", first.cause, next.cause), first.remedy).with_log(log)
}

async fn settle(host: &Host, name: &str, unit: &HostUnit, rewritten: bool) -> Result<bool, Fault> {
    let now = Standing::of(host, name).await?;
    if !unit.enabled {
        if now.enabled || now.running {
            systemctl(host, name, &["disable", "--now", name]).await?;
        }
        due::done(host, &path_of(name))?;
        return Ok(now.enabled || now.running);
    }
    if !now.enabled {
        systemctl(host, name, &["enable", name]).await?;
    }
    let verb = match (now.running, rewritten) {
        (true, false) => return Ok(!now.enabled),
        (true, true) => "restart",
        (false, _) => "start",
    };
    systemctl(host, name, &[verb, name]).await?;
    due::done(host, &path_of(name))?;
    let then = Standing::of(host, name).await?;
    if then.running {
        return Ok(true);
    }
    Err(failed(
        host,
        name,
        format!("unit `{name}` started and is {} now", then.active),
    )
    .await)
}

async fn systemctl(host: &Host, name: &str, args: &[&str]) -> Result<(), Fault> {
    let output = host
        .run_command(&Command::new("systemctl", args).within(START))
        .await?;
    if output.success() {
        return Ok(());
    }
    let said = output.last_lines().into_iter().next().unwrap_or_default();
    Err(failed(
        host,
        name,
        format!("`systemctl {}` failed: {said}", args.join(" ")),
    )
    .await)
}

/// A fault with what the unit itself wrote last.
async fn failed(host: &Host, name: &str, cause: String) -> Fault {
    let log = systemd::log(host, name).await;
    Fault::new(cause, REMEDY).with_log(log)
}

/// Where a unit stands.
struct Standing {
    enabled: bool,
    running: bool,
    active: String,
}

impl Standing {
    async fn of(host: &Host, name: &str) -> Result<Self, Fault> {
        let properties = "ActiveState,Type,Result,UnitFileState,ExecMainStartTimestampMonotonic";
        let shown = Properties::of(host, name, properties, REMEDY).await?;
        let value = |name| shown.value(name);
        let active = value("ActiveState").to_owned();
        // A task that runs once and ends has done its duty when it ended well.
        let ran = value("Type") == "oneshot"
            && active == "inactive"
            && value("Result") == "success"
            && !matches!(value("ExecMainStartTimestampMonotonic"), "" | "0");
        Ok(Self {
            // Units without an [Install] section are `static`: they cannot be enabled and need not be.
            enabled: matches!(
                value("UnitFileState"),
                "enabled" | "static" | "alias" | "indirect" | "generated"
            ),
            running: ran || systemd::is_up(&active),
            active,
        })
    }
}

async fn take_away(host: &Host, wanted: impl Fn(&str) -> bool) -> Result<usize, Fault> {
    let old: Vec<String> = host
        .placed_by(NAME)
        .into_iter()
        .filter(|path| !wanted(unit_of(path)))
        .collect();
    for path in &old {
        // A unit that is not loaded, or was never enabled, is what is wanted.
        let stop = Command::new("systemctl", &["disable", "--now", unit_of(path)]).within(START);
        host.run_command(&stop).await?;
        host.unplace(path)?;
        due::done(host, path)?;
    }
    if !old.is_empty() {
        host.must("systemctl", &["daemon-reload"], REMEDY).await?;
        host.run("systemctl", &["reset-failed"]).await?;
    }
    Ok(old.len())
}

fn path_of(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

fn unit_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn check(name: &str) -> Result<(), Fault> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let suffixes = [".service", ".timer", ".socket", ".path", ".mount", ".target"];
    if name.chars().all(allowed) && suffixes.iter().any(|suffix| name.ends_with(suffix)) {
        return Ok(());
    }
    Err(Fault::new(
        format!("`{name}` is not the name of a systemd unit"),
        "the configuration is wrong: please report it with the plan",
    ))
}
