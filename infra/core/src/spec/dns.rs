//! The servers that answer for the zone.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use super::caa;
use super::domain::host_name;
use super::fields::secret;
use super::reader::{At, Reader, all};
use super::{Dns, DnsSecondary, DnsServer};

pub(super) fn dns(reader: &mut Reader, at: &At<'_>) -> Option<Dns> {
    reader.keys(at, &["servers", "nameservers", "secondaries", "catalog", "caa"])?;
    let servers = reader
        .need(
            at,
            "servers",
            "[{url: https://dns.acme.example:8081, key: {env: PDNS_API_KEY}}]",
        )
        .and_then(|at| filled(reader, &at))
        .and_then(|items| all(items.iter().map(|item| server(reader, item))));
    let nameservers = reader
        .need(at, "nameservers", "[ns1.dns.acme.example]")
        .and_then(|at| filled(reader, &at))
        .and_then(|items| all(items.iter().map(|item| host_name(reader, item))));
    let secondaries = match at.get("secondaries") {
        Some(at) => filled(reader, &at)
            .and_then(|items| all(items.iter().map(|item| secondary(reader, item))))
            .and_then(|found| distinct(reader, &at, found)),
        None => Some(Vec::new()),
    };
    let catalog = match at.get("catalog") {
        Some(named) => catalog(reader, at, &named).map(Some),
        None => Some(None),
    };
    let caa = match at.get("caa") {
        Some(at) => caa::caa(reader, &at).map(Some),
        None => Some(None),
    };
    Some(Dns {
        servers: servers?,
        nameservers: nameservers?,
        secondaries: secondaries?,
        catalog: catalog?,
        caa: caa?,
    })
}

/// A name that only the servers use among themselves; it serves nobody without secondaries.
fn catalog(reader: &mut Reader, dns: &At<'_>, at: &At<'_>) -> Option<String> {
    let name = host_name(reader, at)?;
    if dns.get("secondaries").is_none() {
        reader.error(
            at,
            "dns.catalog",
            "a catalog tells secondaries which zones there are, and there is none",
            "name them under `dns.secondaries`, or remove `catalog`",
        );
        return None;
    }
    Some(name)
}

fn secondary(reader: &mut Reader, at: &At<'_>) -> Option<DnsSecondary> {
    reader.keys(at, &["address", "url", "key"])?;
    let address = reader
        .need(at, "address", "192.0.2.53")
        .and_then(|at| server_address(reader, &at));
    let server = match (at.get("url"), at.get("key")) {
        (None, None) => Some(None),
        _ => api(reader, at).map(Some),
    };
    Some(DnsSecondary {
        address: address?,
        server: server?,
    })
}

/// An IP address, with a port where that is not 53.
fn server_address(reader: &mut Reader, at: &At<'_>) -> Option<SocketAddr> {
    let text = reader.text(at)?;
    let plain = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    let address = plain.ok().or_else(|| text.parse().ok());
    if address.is_none() {
        reader.error(
            at,
            "dns.address",
            format!("`{text}` is not the IP address of a name server"),
            "write `192.0.2.53`, `2001:db8::53`, or with a port `192.0.2.53:5300`, `[2001:db8::53]:5300`",
        );
    }
    address
}

fn distinct(reader: &mut Reader, at: &At<'_>, found: Vec<DnsSecondary>) -> Option<Vec<DnsSecondary>> {
    let mut seen = BTreeSet::new();
    let twice = found.iter().find(|secondary| !seen.insert(secondary.address));
    if let Some(twice) = twice {
        reader.error(
            at,
            "dns.twice",
            format!("secondary {} is named twice", twice.address),
            "name each once",
        );
        return None;
    }
    Some(found)
}

pub(super) fn filled<'a>(reader: &mut Reader, at: &At<'a>) -> Option<Vec<At<'a>>> {
    let items = reader.list(at)?;
    if items.is_empty() {
        reader.error(
            at,
            "empty",
            format!("`{}` is empty", at.path),
            "name at least one",
        );
        return None;
    }
    Some(items)
}

fn server(reader: &mut Reader, at: &At<'_>) -> Option<DnsServer> {
    reader.keys(at, &["url", "key"])?;
    api(reader, at)
}

fn api(reader: &mut Reader, at: &At<'_>) -> Option<DnsServer> {
    let url = reader
        .need(at, "url", "https://dns.acme.example:8081")
        .and_then(|at| url(reader, &at));
    let key = reader
        .need(at, "key", "{env: PDNS_API_KEY}")
        .and_then(|at| secret(reader, &at));
    Some(DnsServer { url: url?, key: key? })
}

/// `http` or `https`, host and port, nothing behind: no path, no user and no password.
fn url(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?.trim_end_matches('/');
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let fits = host.is_some_and(|host| {
        !host.is_empty()
            && host
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || ".-:[]".contains(c))
    });
    if !fits {
        reader.error(
            at,
            "dns.url",
            "this is not the address of a PowerDNS API",
            "write scheme, host and port, for example `https://dns.acme.example:8081`; the key goes under `key`",
        );
    }
    fits.then(|| text.to_owned())
}
