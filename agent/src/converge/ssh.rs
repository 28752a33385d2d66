//! Who may log in over SSH, and how. Nothing is reloaded before sshd itself has found it right, and nobody is locked out.

mod keys;

use std::collections::BTreeSet;

use sovereign_core::host::HostConfig;

use super::due;
use crate::config::{AgentConfig, Transport};
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::lines::lines;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "ssh";

const KEYS: &str = "/root/.ssh/authorized_keys";
/// Read first, and the first value wins.
const DROP_IN: &str = "/etc/ssh/sshd_config.d/00-sovereign.conf";
const MAIN: &str = "/etc/ssh/sshd_config";
const SETTINGS: [(&str, &str); 10] = [
    ("PasswordAuthentication", "no"),
    ("KbdInteractiveAuthentication", "no"),
    ("PermitEmptyPasswords", "no"),
    ("PermitRootLogin", "prohibit-password"),
    ("X11Forwarding", "no"),
    ("AllowAgentForwarding", "no"),
    ("AllowTcpForwarding", "no"),
    ("AllowStreamLocalForwarding", "no"),
    ("MaxAuthTries", "4"),
    ("LoginGraceTime", "30"),
];

pub(super) async fn converge(host: &Host, config: &HostConfig) -> Outcome {
    let mut changed = authorize(host, &config.authorized_keys)?;
    if !host.has_program("sshd") {
        return Ok(Done::new(changed, "there is no SSH server on this host"));
    }
    let main = host
        .root
        .read(MAIN)
        .or_fault("reading", MAIN)?
        .unwrap_or_default();
    if !includes_drop_ins(&main) {
        return Err(Fault::new(
            format!("`{MAIN}` does not include the folder `/etc/ssh/sshd_config.d`"),
            format!("put `Include /etc/ssh/sshd_config.d/*.conf` at the top of `{MAIN}`"),
        ));
    }
    let text = lines(SETTINGS.iter().map(|(key, value)| format!("{key} {value}")));
    if due::place(host, NAME, DROP_IN, &text, 0o644)? {
        accept_or_take_back(host).await?;
        reload(host).await?;
        due::done(host, DROP_IN)?;
        changed = true;
    }
    verify(host).await?;
    Ok(Done::new(
        changed,
        format!("{} keys, no passwords", config.authorized_keys.len()),
    ))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if due::unplace(host, DROP_IN)? {
        reload(host).await?;
        due::done(host, DROP_IN)?;
    }
    let (text, before) = (authorized(host)?, host.placed().authorized.clone());
    if let Some(next) = keys::without_block(&text, &before) {
        place(host, &text, &next)?;
    }
    host.note(|placed| placed.authorized.clear())
}

/// Makes a running sshd read its configuration and host keys again. Sessions go on.
pub(crate) async fn reload(host: &Host) -> Result<(), Fault> {
    let Some(unit) = ["ssh.service", "sshd.service"]
        .into_iter()
        .find(|unit| host.has_unit(unit))
    else {
        return Ok(());
    };
    let state = host.run("systemctl", &["is-active", unit]).await?;
    if !state.success() {
        // Started per connection by a socket, or not at all: the next start reads it.
        return Ok(());
    }
    let remedy = format!("see why on the host: `systemctl status {unit}`");
    host.must("systemctl", &["reload", unit], &remedy).await.map(drop)
}

fn authorize(host: &Host, wanted: &[String]) -> Result<bool, Fault> {
    let text = authorized(host)?;
    let next = keys::with_block(&text, wanted);
    if !keys::any(&next) && reached_over_ssh(host) {
        return Err(Fault::new(
            "no key would be left that opens this host, and the installer comes in over SSH",
            "keep the installer's key in `authorizedKeys`, or let the agent dial out over HTTPS",
        ));
    }
    note_moved(host, &text, wanted)?;
    place(host, &text, &next)
}

/// What goes into our block was somebody's before, and comes back when we leave.
fn note_moved(host: &Host, text: &str, wanted: &[String]) -> Result<(), Fault> {
    let moved = keys::moved(text, wanted);
    if moved.is_empty() {
        return Ok(());
    }
    host.note(|placed| {
        let known = placed.authorized.clone();
        placed
            .authorized
            .extend(moved.into_iter().filter(|line| !known.contains(line)));
    })
}

/// Lets these in from now on, and the revoked ones no more, whoever wrote them there.
pub(crate) fn leave_to(host: &Host, keys: &[String], revoked: &[String]) -> Result<(), Fault> {
    let text = authorized(host)?;
    let left = keys::without(&text, revoked);
    note_moved(host, &left, keys)?;
    place(host, &text, &keys::with_block(&left, keys)).map(drop)
}

fn authorized(host: &Host) -> Result<String, Fault> {
    let text = host.root.read(KEYS).or_fault("reading", KEYS)?;
    Ok(text.unwrap_or_default())
}

fn place(host: &Host, text: &str, next: &str) -> Result<bool, Fault> {
    if next == text {
        return Ok(false);
    }
    disk::folder(&host.root.path("/root/.ssh"), 0o700).or_fault("making", "/root/.ssh")?;
    disk::write(&host.root.path(KEYS), next.as_bytes(), 0o600).or_fault("writing", KEYS)?;
    Ok(true)
}

fn reached_over_ssh(host: &Host) -> bool {
    AgentConfig::load(&host.root).is_ok_and(|config| config.transport == Transport::Ssh)
}

fn includes_drop_ins(main: &str) -> bool {
    main.lines().any(|line| {
        let mut words = line.split_whitespace();
        words
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("include"))
            && words.any(|word| word.starts_with("/etc/ssh/sshd_config.d/"))
    })
}

async fn accept_or_take_back(host: &Host) -> Result<(), Fault> {
    // Where sshd starts per connection, this folder is there only while it runs.
    disk::folder(&host.root.path("/run/sshd"), 0o755).or_fault("making", "/run/sshd")?;
    let checked = host
        .must(
            "sshd",
            &["-t"],
            "put right what sshd complains about; its old configuration stays in force",
        )
        .await;
    if checked.is_err() {
        host.unplace(DROP_IN)?;
        due::done(host, DROP_IN)?;
    }
    checked.map(drop)
}

async fn verify(host: &Host) -> Result<(), Fault> {
    let shown = host.must("sshd", &["-T"], "see `sshd -T` on the host").await?;
    let effective: BTreeSet<String> = shown.stdout.lines().map(str::to_ascii_lowercase).collect();
    let password = effective.contains("passwordauthentication yes");
    let keyboard = effective.contains("kbdinteractiveauthentication yes");
    if password || keyboard {
        return Err(Fault::new(
            "sshd still takes passwords: another file sets it before ours",
            "look for `PasswordAuthentication` and `Match` in `/etc/ssh/sshd_config`",
        ));
    }
    Ok(())
}
