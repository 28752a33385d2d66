//! The host's name, now and at boot.

use sovereign_core::host::HostConfig;

use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::lines::lines;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "hostname";

const FILE: &str = "/etc/hostname";
const LIVE: &str = "/proc/sys/kernel/hostname";
const HOSTS: &str = "/etc/hosts";
/// Marks our line of `/etc/hosts`; without it `sudo` and others wait for a name server that does not know the host.
const MARK: &str = "# sovereign";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let name = &config.hostname;
    let before = live(host);
    if before != *name && host.placed().hostname.is_none() {
        host.note(|placed| placed.hostname = Some(before.clone()))?;
    }
    let mut changed = host.place(NAME, FILE, &format!("{name}\n"), 0o644)?;
    changed |= set_hosts_line(host, Some(name))?;
    if before != *name {
        host.must(
            "hostname",
            &[name],
            "see that the agent's unit may set the host's name",
        )
        .await?;
        changed = true;
    }
    let after = live(host);
    if after != *name {
        return Err(Fault::new(
            format!("the host's name stays `{after}` instead of `{name}`"),
            "another service sets it too: look at `hostnamectl` and at the cloud's own tools on the host",
        ));
    }
    Ok(Done::new(changed, name.as_str()))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace(FILE)?;
    set_hosts_line(host, None)?;
    let before = host.placed().hostname.clone();
    if let Some(before) = before {
        if !before.is_empty() {
            host.must(
                "hostname",
                &[&before],
                "set the host's name by hand: `hostname <name>`",
            )
            .await?;
        }
        host.note(|placed| placed.hostname = None)?;
    }
    Ok(())
}

fn live(host: &Host) -> String {
    host.root.text(LIVE).trim().to_owned()
}

fn set_hosts_line(host: &Host, name: Option<&str>) -> Result<bool, Fault> {
    let text = host
        .root
        .read(HOSTS)
        .or_fault("reading", HOSTS)?
        .unwrap_or_default();
    let known = |name: &str| {
        text.lines()
            .filter(|line| !line.trim_start().starts_with('#') && !line.ends_with(MARK))
            .any(|line| line.split_whitespace().skip(1).any(|word| word == name))
    };
    let mut kept: Vec<String> = text
        .lines()
        .filter(|line| !line.ends_with(MARK))
        .map(str::to_owned)
        .collect();
    if let Some(name) = name.filter(|name| !known(name)) {
        kept.push(format!("127.0.1.1 {name} {MARK}"));
    }
    let next = lines(&kept);
    if next == text || (text.is_empty() && name.is_none()) {
        return Ok(false);
    }
    disk::write(&host.root.path(HOSTS), next.as_bytes(), 0o644).or_fault("writing", HOSTS)?;
    Ok(true)
}
