//! Gandi's API v5, from <https://api.gandi.net/docs/domains/>. Changes are accepted and done later.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Value, json};

use super::contract::{Contract, Refusal};
use super::dnskey::ds_of;
use super::registry::{Delta, RegisteredDomain, World};
use super::request::{Reply, Request, number, texts};

pub(super) struct Gandi;

impl Contract for Gandi {
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        if request.header("authorization") != format!("Bearer {}", world.secret("token")) {
            return failure(
                401,
                "Unauthorized",
                "The server could not verify that you authorized to access the document you requested",
            );
        }
        let segments = request.segments();
        let ["domain", "domains", domain, rest @ ..] = segments.as_slice() else {
            return failure(404, "Not Found", "The resource could not be found.");
        };
        let domain = (*domain).to_owned();
        let Some(entry) = world.domains.get(&domain).cloned() else {
            return failure(404, "Not Found", "The resource could not be found.");
        };
        if entry.locked && self.writes(request) {
            return failure(403, "Forbidden", "domain is locked");
        }
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", ["nameservers"]) => Reply::json(200, &json!(entry.ns)),
            ("GET", ["livedns"]) => {
                let current = if entry.uses_default { "livedns" } else { "other" };
                Reply::json(200, &json!({ "current": current, "nameservers": entry.ns }))
            }
            ("GET", ["dnskeys"]) => Reply::json(200, &json!(keys(&entry))),
            ("GET", ["hosts"]) => Reply::json(200, &json!(hosts(&domain, &entry))),
            ("PUT", ["nameservers"]) => name_servers(world, &domain, &body),
            ("POST", ["dnskeys"]) => add_key(world, &domain, &body),
            ("DELETE", ["dnskeys", id]) => remove_key(world, &domain, &entry, id),
            ("POST", ["hosts"]) => {
                let name = body["name"].as_str().unwrap_or_default().to_owned();
                set_host(world, &domain, &entry, &name, &body, false)
            }
            ("PUT", ["hosts", name]) => set_host(world, &domain, &entry, name, &body, true),
            _ => failure(404, "Not Found", "The resource could not be found."),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => failure(status, "Internal Server Error", "try again later"),
            Refusal::RateLimited(seconds) => {
                failure(429, "Too Many Requests", "too many requests").retry_after(seconds)
            }
            // There is no allow-list.
            Refusal::NotAllowed(_) => failure(403, "Forbidden", "access was denied"),
        }
    }
}

fn failure(status: u16, cause: &str, message: &str) -> Reply {
    let body = json!({ "code": status, "cause": cause, "message": message, "object": "HTTPError" });
    Reply::json(status, &body)
}

fn accepted() -> Reply {
    Reply::json(
        202,
        &json!({ "message": "Confirmed, the operation is on its way." }),
    )
}

fn keys(entry: &RegisteredDomain) -> Vec<Value> {
    let keys = entry.ds.iter().enumerate().map(|(index, ds)| {
        let (flags, key) = ds.key.clone().unwrap_or((257, String::new()));
        json!({
            "id": index + 1, "algorithm": ds.algorithm, "digest": ds.digest.to_uppercase(), "digest_type": ds.digest_type,
            "keytag": ds.key_tag, "type": if flags == 256 { "zsk" } else { "ksk" }, "public_key": key,
        })
    });
    keys.collect()
}

fn hosts(domain: &str, entry: &RegisteredDomain) -> Vec<Value> {
    let hosts = entry.glue.iter().map(|(host, addresses)| {
        let name = host
            .strip_suffix(domain)
            .unwrap_or_default()
            .trim_end_matches('.');
        let name = if name.is_empty() { "@" } else { name };
        json!({ "name": name, "ips": addresses, "fqdn": domain, "fqdn_unicode": domain })
    });
    hosts.collect()
}

fn name_servers(world: &mut World, domain: &str, body: &Value) -> Reply {
    let hosts = texts(&body["nameservers"]);
    if !(2..=13).contains(&hosts.len()) {
        return failure(400, "Bad Request", "nameservers: between 2 and 13 are needed");
    }
    let default = hosts.iter().all(|host| host.ends_with(".gandi.net"));
    world.schedule(domain, "nameservers", vec![Delta::Ns { hosts, default }]);
    accepted()
}

fn add_key(world: &mut World, domain: &str, body: &Value) -> Reply {
    let flags = if body["type"] == "zsk" { 256 } else { 257 };
    let algorithm = number(&body["algorithm"]);
    let key = body["public_key"].as_str();
    let ds = algorithm
        .zip(key)
        .and_then(|(algorithm, key)| ds_of(domain, flags, algorithm, key));
    match ds {
        Some(ds) => {
            world.schedule(domain, "dnskeys", vec![Delta::AddDs(ds)]);
            accepted()
        }
        None => failure(400, "Bad Request", "public_key: not a key"),
    }
}

fn remove_key(world: &mut World, domain: &str, entry: &RegisteredDomain, id: &str) -> Reply {
    let at = id.parse::<usize>().ok().and_then(|id| id.checked_sub(1));
    match at.and_then(|at| entry.ds.get(at)) {
        Some(ds) => {
            world.schedule(domain, "dnskeys", vec![Delta::RemoveDs(ds.clone())]);
            accepted()
        }
        None => failure(404, "Not Found", "The resource could not be found."),
    }
}

fn set_host(
    world: &mut World,
    domain: &str,
    entry: &RegisteredDomain,
    name: &str,
    body: &Value,
    exists: bool,
) -> Reply {
    let host = if name == "@" {
        domain.to_owned()
    } else {
        format!("{name}.{domain}")
    };
    if entry.glue.contains_key(&host) != exists {
        return failure(409, "Conflict", "the host does not fit the method");
    }
    let addresses = texts(&body["ips"])
        .iter()
        .map(|ip| ip.parse())
        .collect::<Result<BTreeSet<IpAddr>, _>>();
    let Ok(addresses) = addresses else {
        return failure(400, "Bad Request", "ips: not addresses");
    };
    world.schedule(domain, "hosts", vec![Delta::Glue(host, addresses)]);
    accepted()
}
