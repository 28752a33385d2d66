//! What the hosts have to reach.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use super::domain::is_label;
use super::reader::{At, Reader, all};

const LIKE: &str =
    "write a host and a port: `registry.acme.example:443`, `192.0.2.7:123` or `[2001:db8::7]:443`";

/// Hosts with their ports, each once; none where the document has no such list.
pub(super) fn reach(reader: &mut Reader, root: &At<'_>) -> Option<Vec<String>> {
    let Some(at) = root.get("reach") else {
        return Some(Vec::new());
    };
    let items = reader.list(&at)?;
    let found: BTreeSet<String> = all(items.iter().map(|item| endpoint(reader, item)))?
        .into_iter()
        .collect();
    Some(found.into_iter().collect())
}

fn endpoint(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let found = read(text);
    if found.is_none() {
        reader.error(at, "reach", format!("`{text}` is no host with a port"), LIKE);
    }
    found
}

fn read(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() > 0).then(|| address.to_string());
    }
    let (host, port) = text.rsplit_once(':')?;
    let port = port.parse().ok().filter(|port: &u16| *port > 0)?;
    host.split('.').all(is_label).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_a_port() {
        for good in ["registry.acme.example:443", "192.0.2.7:123", "[2001:db8::7]:443"] {
            assert_eq!(read(good).as_deref(), Some(good));
        }
        for bad in [
            "",
            "registry.acme.example",
            "https://registry.acme.example:443",
            "registry.acme.example:0",
            "registry.acme.example:70000",
            "registry acme:443",
            "2001:db8::7:443",
            ":443",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
