//! The servers that answer for the zone.

use super::domain::host_name;
use super::fields::secret;
use super::reader::{At, Reader, all};
use super::{Dns, DnsServer};

pub(super) fn dns(reader: &mut Reader, at: &At<'_>) -> Option<Dns> {
    reader.keys(at, &["servers", "nameservers"])?;
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
    Some(Dns {
        servers: servers?,
        nameservers: nameservers?,
    })
}

fn filled<'a>(reader: &mut Reader, at: &At<'a>) -> Option<Vec<At<'a>>> {
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
