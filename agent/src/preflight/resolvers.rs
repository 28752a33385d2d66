//! Name servers. The C library asks three at most, and kubelet complains at every pod about more.

use std::path::Path;

use sovereign_core::agent::HostCheck;

use super::{fine, healed, warning};
use crate::disk;
use crate::lines::lines;
use crate::root::Root;

const FILE: &str = "/etc/resolv.conf";
/// The servers behind systemd-resolved's stub, which is what k3s gives to pods.
const BEHIND_STUB: &str = "/run/systemd/resolve/resolv.conf";
const MOST: usize = 3;

pub(super) fn check(root: &Root) -> HostCheck {
    let text = root.text(FILE);
    let managed = servers(&text) == ["127.0.0.53"];
    let effective = if managed {
        root.text(BEHIND_STUB)
    } else {
        text.clone()
    };
    let found = servers(&effective);
    let seen = found.join(", ");
    match found.len() {
        0 => warning(
            "resolvers",
            "none",
            "names outside the Sovereign cannot be looked up",
            "name a server in `/etc/resolv.conf`; an air-gapped Sovereign needs none",
        ),
        1..=MOST => fine("resolvers", seen),
        _ if !managed && heal(root, &text) => {
            healed("resolvers", seen, format!("`{FILE}` names the first {MOST} only"))
        }
        _ => warning(
            "resolvers",
            seen,
            "the C library asks the first three only, and kubelet warns at every pod",
            "let DHCP or netplan name three servers at most",
        ),
    }
}

fn servers(text: &str) -> Vec<&str> {
    text.lines().filter_map(server).collect()
}

fn server(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    (words.next() == Some("nameserver"))
        .then(|| words.next())
        .flatten()
}

/// A link belongs to a service that would write it again.
fn heal(root: &Root, text: &str) -> bool {
    let path = root.path(FILE);
    if is_link(&path) {
        return false;
    }
    let mut left = MOST;
    let kept = lines(text.lines().filter(|line| {
        let keep = server(line).is_none() || left > 0;
        left -= usize::from(server(line).is_some() && left > 0);
        keep
    }));
    disk::write(&path, kept.as_bytes(), 0o644).is_ok()
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|meta| meta.file_type().is_symlink())
}
