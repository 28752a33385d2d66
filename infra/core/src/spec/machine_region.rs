//! A region of machines that are there: which they are, and how to reach them.

use std::str::FromStr as _;

use ssh_key::PublicKey;

use super::reader::{At, Reader, all};
use super::region::{network, public, short_name};
use super::{Machine, NodeGroup, NodeSource, Region};

/// Example of a list of machines.
const EXAMPLE: &str = "[{address: 192.0.2.11}]";

pub(super) fn region(reader: &mut Reader, at: &At<'_>) -> Option<Region> {
    reader.keys(at, &["name", "network", "controlPlane", "workers"])?;
    let name = reader
        .need(at, "name", "dc1")
        .and_then(|at| short_name(reader, &at, 12));
    let network = match at.get("network") {
        Some(_) => network(reader, at),
        None => public(),
    };
    let control_plane = reader
        .need(at, "controlPlane", &format!("{{machines: {EXAMPLE}}}"))
        .and_then(|at| control_plane(reader, &at));
    let workers = match at.get("workers") {
        Some(at) => reader
            .list(&at)
            .and_then(|items| all(items.iter().map(|item| workers(reader, item)))),
        None => Some(Vec::new()),
    };
    Some(Region {
        name: name?,
        network: network?,
        control_plane: control_plane?,
        workers: workers?,
        load_balancer_types: Vec::new(),
    })
}

fn control_plane(reader: &mut Reader, at: &At<'_>) -> Option<NodeGroup> {
    reader.keys(at, &["machines"])?;
    let group = group(reader, at, "cp")?;
    if !matches!(group.count, 1 | 3) {
        reader.error(
            at,
            "control_plane.count",
            format!("a control plane of {} machines is not offered", group.count),
            "name 1, or 3 for one that survives the loss of a machine",
        );
        return None;
    }
    Some(group)
}

fn workers(reader: &mut Reader, at: &At<'_>) -> Option<NodeGroup> {
    reader.keys(at, &["name", "machines"])?;
    let name = reader
        .need(at, "name", "general")
        .and_then(|at| short_name(reader, &at, 16));
    group(reader, at, &name?)
}

fn group(reader: &mut Reader, at: &At<'_>, name: &str) -> Option<NodeGroup> {
    let at = reader.need(at, "machines", EXAMPLE)?;
    let items = reader.list(&at)?;
    let machines = all(items.iter().map(|item| machine(reader, item)))?;
    Some(NodeGroup {
        name: name.to_owned(),
        count: u32::try_from(machines.len()).unwrap_or(u32::MAX),
        source: NodeSource::Machines(machines),
    })
}

fn machine(reader: &mut Reader, at: &At<'_>) -> Option<Machine> {
    reader.keys(at, &["address", "port", "hostKey"])?;
    let address = reader
        .need(at, "address", "192.0.2.11")
        .and_then(|at| address(reader, &at));
    let port = match at.get("port") {
        Some(at) => reader.value(&at, "a port", "write a number from 1 to 65535"),
        None => Some(22),
    };
    let host_key = match at.get("hostKey") {
        Some(at) => host_key(reader, &at).map(Some),
        None => Some(None),
    };
    Some(Machine {
        address: address?,
        port: port?,
        host_key: host_key?,
    })
}

fn address(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let name = |text: &str| {
        !text.is_empty()
            && text.len() <= 253
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-".contains(c))
    };
    let fits = text.parse::<std::net::IpAddr>().is_ok() || name(text);
    if !fits {
        reader.error(
            at,
            "machine.address",
            format!("`{text}` is neither an IP address nor a host name"),
            "write what `ssh` would be given, without user and port",
        );
    }
    fits.then(|| text.to_owned())
}

fn host_key(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    match bare(reader.text(at)?.trim()) {
        Ok(key) => Some(key),
        Err(error) => {
            reader.error(
                at,
                "machine.host_key",
                format!("this is not an SSH host key: {error}"),
                "paste the line of `/etc/ssh/ssh_host_ed25519_key.pub` on that machine",
            );
            None
        }
    }
}

/// A key without its comment: the same key with another one is the same key, and a machine offers none.
fn bare(line: &str) -> ssh_key::Result<String> {
    let key = PublicKey::from_str(line)?;
    PublicKey::new(key.key_data().clone(), "").to_openssh()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_key_is_what_a_machine_offers_whatever_comment_it_was_pasted_with() {
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGmk5PLuiaUeGBW+aYDlhWk1dW69oKz8fGatTyMWCyw6";
        for pasted in [key.to_owned(), format!("{key} root@bare-1")] {
            assert_eq!(bare(&pasted).unwrap(), key);
        }
    }
}
