//! Whether the node's registry finds its place free.

use sovereign_core::agent::HostCheck;
use sovereign_core::registry::NODE_REGISTRY;

use super::{fine, warning};
use crate::host::Host;
use crate::registry;

/// State of a socket that listens, as the kernel writes it.
const LISTENS: &str = "0A";

pub(super) fn check(host: &Host) -> HostCheck {
    let name = "registry";
    if registry::is_ours(host) {
        return fine(name, format!("{NODE_REGISTRY} is ours"));
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| host.root.text(table));
    if !tables.iter().any(|table| is_taken(table)) {
        return fine(name, format!("{NODE_REGISTRY} is free"));
    }
    warning(
        name,
        format!("something listens at port {}", NODE_REGISTRY.port()),
        "the node's registry has its place there, and k3s fetches from it",
        &format!(
            "see who it is with `ss -ltnp sport = :{0}`, and stop it or move it to another port",
            NODE_REGISTRY.port()
        ),
    )
}

/// Whether a listening socket of a table takes the registry's place: its port at its address, or at every one.
fn is_taken(table: &str) -> bool {
    let port = format!("{:04X}", NODE_REGISTRY.port());
    // The kernel writes the bytes of an address as this machine reads them.
    let own = format!("{:08X}", u32::from_ne_bytes(NODE_REGISTRY.ip().octets()));
    table.lines().any(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (local, state) = (words.next().unwrap_or_default(), words.nth(1));
        let (address, at) = local.split_once(':').unwrap_or_default();
        let every = address.bytes().all(|digit| digit == b'0');
        state == Some(LISTENS) && at == port && (every || address == own)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_listens_at_its_place_is_seen() {
        let line = |local: &str, state: &str| {
            format!(
                "  sl  local_address rem_address   st\n   0: {local} 00000000:0000 {state} 00000000:00000000\n"
            )
        };
        assert!(is_taken(&line("00000000:1543", "0A")));
        assert!(is_taken(&line("00000000000000000000000000000000:1543", "0A")));
        assert!(is_taken(&line("1414FEA9:1543", "0A")));
        assert!(!is_taken(&line("0100007F:1543", "0A")));
        assert!(!is_taken(&line("00000000:1544", "0A")));
        assert!(!is_taken(&line("00000000:1543", "01")));
    }
}
