//! Kernel parameters, now and at boot.

use std::io;

use sovereign_core::host::HostConfig;

use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::lines::lines;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "sysctl";

/// Read after the distribution's own files.
const FILE: &str = "/etc/sysctl.d/99-sovereign.conf";

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let mut changed = give_back(host, |key| !config.sysctl.contains_key(key))?;
    if config.sysctl.is_empty() {
        changed |= host.unplace(FILE)?;
        return Ok(Done::new(changed, "none asked for"));
    }
    let text = lines(
        config
            .sysctl
            .iter()
            .map(|(key, value)| format!("{key} = {value}")),
    );
    changed |= host.place(NAME, FILE, &text, 0o644)?;
    let mut foreign = Vec::new();
    for (key, value) in &config.sysctl {
        match set(host, key, value) {
            Ok(live) => changed |= live,
            Err(_) if host.root.in_container() => foreign.push(key.as_str()),
            Err(fault) => return Err(fault),
        }
    }
    let detail = if foreign.is_empty() {
        format!("{} parameters", config.sysctl.len())
    } else {
        format!(
            "left to the kernel outside this container: {}",
            foreign.join(", ")
        )
    };
    Ok(Done::new(changed, detail))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    give_back(host, |_| true)?;
    host.unplace(FILE).map(drop)
}

fn path_of(key: &str) -> String {
    // As sysctl(8): the first separator says which one it is, so that `net/ipv4/conf/eth0.1/x` can be written.
    let slash_first = key.find(['/', '.']).is_some_and(|at| key.as_bytes()[at] == b'/');
    let path = if slash_first {
        key.to_owned()
    } else {
        key.replace('.', "/")
    };
    format!("/proc/sys/{path}")
}

/// The kernel separates columns with tabs, people with blanks.
fn same(a: &str, b: &str) -> bool {
    a.split_whitespace().eq(b.split_whitespace())
}

fn set(host: &Host, key: &str, value: &str) -> Result<bool, Fault> {
    let path = path_of(key);
    if path.contains("..") {
        return Err(Fault::new(
            format!("`{key}` is not a kernel parameter"),
            "write it as sysctl does, for example `net.ipv4.ip_forward`",
        ));
    }
    let Some(before) = host.root.read(&path).or_fault("reading", &path)? else {
        return Err(Fault::new(
            format!("this kernel has no parameter `{key}`"),
            "load the module it belongs to, or take it out of the configuration",
        ));
    };
    if same(&before, value) {
        return Ok(false);
    }
    if !host.placed().sysctl.contains_key(key) {
        host.note(|placed| {
            placed.sysctl.insert(key.to_owned(), before.trim().to_owned());
        })?;
    }
    std::fs::write(host.root.path(&path), value).or_fault("writing", &path)?;
    let after = host.root.text(&path);
    if same(&after, value) {
        return Ok(true);
    }
    Err(Fault::new(
        format!("`{key}` stays at `{}` instead of `{value}`", after.trim()),
        "another service sets it too, or the kernel does not allow the value",
    ))
}

/// Sets parameters back to what they were before us; whether there were any.
fn give_back(host: &Host, unwanted: impl Fn(&str) -> bool) -> Result<bool, Fault> {
    let old: Vec<(String, String)> = host
        .placed()
        .sysctl
        .iter()
        .filter(|(key, _)| unwanted(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for (key, value) in &old {
        let path = path_of(key);
        match std::fs::write(host.root.path(&path), value) {
            // What only the machine around a container can set was left to it, or is from before a reboot.
            Err(_) if host.root.in_container() => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other.or_fault("writing", &path)?,
        }
        host.note(|placed| {
            placed.sysctl.remove(key);
        })?;
    }
    Ok(!old.is_empty())
}
