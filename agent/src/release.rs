//! Lets go of a host: the installer's way in, what the agent knows and its daemon go. What the Sovereign runs on stays: k3s, the
//! registry, hardening, and the list of what was put on the host, so that it can still be taken away one day.

use sovereign_core::hand_off::ReleaseOrder;

use crate::converge;
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::install;
use crate::leave::BOOT_DIR;
use crate::placed::{BEFORE_DIR, PLACED};
use crate::state::{self, CONFIG_DIR, STATE_DIR};
use crate::{k3s, registry};

/// There once the agent was told to let go, with who may log in from then on.
const RELEASING: &str = "/var/lib/sovereign-agent/releasing.json";

/// Who may log in from now on, if the agent was told to let go.
pub(crate) fn noted(host: &Host) -> Result<Option<ReleaseOrder>, Fault> {
    state::read_json(&host.root, RELEASING)
}

/// Notes that the agent was told to let go; from now on it goes on letting go, whatever happens.
pub(crate) fn note(host: &Host, order: &ReleaseOrder) -> Result<(), Fault> {
    state::write_json(&host.root, RELEASING, order)
}

/// Takes the installer's keys away.
pub(crate) fn lock_out(host: &Host, order: &ReleaseOrder) -> Result<(), Fault> {
    converge::leave_to(host, &order.authorized_keys, &order.revoked_keys)
}

/// Whether letting go was begun by a process that died at it.
pub(crate) fn is_under_way(host: &Host) -> bool {
    host.root.exists(RELEASING)
}

/// Takes the daemon away, and what it knows; the note that it lets go last: cut off before that, it goes on at its next start.
pub(crate) async fn remove_daemon(host: &Host) -> Result<(), Fault> {
    disk::remove_folder(&host.root.path(BOOT_DIR)).or_fault("removing", BOOT_DIR)?;
    remove_all_but(
        host,
        STATE_DIR,
        &[PLACED, BEFORE_DIR, k3s::STARTED_WITH, RELEASING],
    )?;
    remove_all_but(host, CONFIG_DIR, &[registry::CONFIG_DIR])?;
    install::remove_unit(host).await?;
    disk::remove(&host.root.path(RELEASING)).or_fault("removing", RELEASING)?;
    install::forget_unit(host).await
}

fn remove_all_but(host: &Host, folder: &str, kept: &[&str]) -> Result<(), Fault> {
    for path in host.root.list(folder) {
        if kept.contains(&path.as_str()) {
            continue;
        }
        let at = host.root.path(&path);
        if at.is_dir() {
            disk::remove_folder(&at).or_fault("removing", &path)?;
        } else {
            disk::remove(&at).or_fault("removing", &path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::install::UNIT_FILE;
    use crate::testing::Bench;

    #[tokio::test(flavor = "current_thread")]
    async fn cut_off_at_a_command_it_can_be_gone_on_with() {
        for dies_at in 0.. {
            let test = Bench::new();
            let root = &test.host.root;
            for path in [UNIT_FILE, "/etc/sovereign-agent/config.json"] {
                disk::write(&root.path(path), b"{}", 0o600).unwrap();
            }
            note(
                &test.host,
                &ReleaseOrder {
                    authorized_keys: Vec::new(),
                    revoked_keys: Vec::new(),
                },
            )
            .unwrap();
            test.runner.dead_from.set(Some(dies_at));
            if remove_daemon(&test.host).await.is_ok() {
                assert!(dies_at >= 2, "disable, and daemon-reload");
                return;
            }
            // systemd starts it again: by its unit, or as what it has not been told to forget.
            let goes_on = is_under_way(&test.host) || !root.exists(UNIT_FILE);
            assert!(goes_on, "died at command {dies_at}");
            test.runner.dead_from.set(None);
            remove_daemon(&test.host).await.unwrap();
            assert!(!root.exists(UNIT_FILE) && !is_under_way(&test.host));
        }
    }

    #[tokio::test(flavor = "current_thread")]
    async fn what_the_sovereign_runs_on_stays_and_everything_else_goes() {
        let test = Bench::new();
        let root = &test.host.root;
        let stays = [
            PLACED,
            "/etc/sovereign-agent/registry/ca.pem",
            "/usr/local/bin/sovereign-agent",
        ];
        let goes = [
            "/etc/sovereign-agent/config.json",
            "/etc/sovereign/ca.pem",
            "/var/lib/sovereign-agent/identity.pem",
            "/var/lib/sovereign-agent/k3s.json",
            state::HAND_OFF.desired,
            state::HAND_OFF.applied,
            "/var/lib/sovereign-agent/pieces/one",
            UNIT_FILE,
        ];
        for path in stays.iter().chain(&goes) {
            let at = root.path(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(at, "{}").unwrap();
        }
        let order = ReleaseOrder {
            authorized_keys: vec!["ssh-ed25519 AAAA operator".to_owned()],
            revoked_keys: vec!["ssh-ed25519 BBBB".to_owned()],
        };
        let installer = "ssh-ed25519 BBBB put there by the cloud\n";
        fs::write(root.path("/root/.ssh/authorized_keys"), installer).unwrap();
        note(&test.host, &order).unwrap();
        assert_eq!(noted(&test.host).unwrap().unwrap(), order);
        lock_out(&test.host, &order).unwrap();
        remove_daemon(&test.host).await.unwrap();
        for path in stays {
            assert!(root.exists(path), "{path} is gone");
        }
        for path in goes.into_iter().chain([RELEASING]) {
            assert!(!root.exists(path), "{path} is still there");
        }
        let keys = root.text("/root/.ssh/authorized_keys");
        assert!(keys.contains("AAAA operator") && !keys.contains("BBBB"), "{keys}");
    }
}
