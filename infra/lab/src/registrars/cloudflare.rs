//! Cloudflare's API v4, as far as it concerns the records of a delegation inside a zone.
//!
//! Contract: <https://developers.cloudflare.com/api/resources/dns/subresources/records/>. Domains that are put into the registry
//! without a parent in it are zones; names below them are made by their records.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::contract::{Contract, Refusal};
use super::registry::{Delta, DsData, RegisteredDomain, World};
use super::request::{Reply, Request, number};

pub(super) struct Cloudflare;

impl Contract for Cloudflare {
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        let bearer = request.header("authorization").strip_prefix("Bearer ");
        if bearer != Some(world.secret("token")) {
            return failure(403, 9109, "Invalid access token");
        }
        match (request.method.as_str(), request.segments().as_slice()) {
            ("GET", ["zones"]) => zones(world, request),
            ("GET", ["zones", id, "dns_records"]) => records(world, id, request),
            ("POST", ["zones", id, "dns_records", "batch"]) => batch(world, id, request),
            _ => failure(404, 7003, "Could not route to the requested path"),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => failure(status, 10013, "An unknown error has occurred"),
            Refusal::RateLimited(seconds) => {
                failure(429, 971, "Please wait and consider throttling your request speed")
                    .retry_after(seconds)
            }
            Refusal::NotAllowed(ip) => {
                let words = format!("Cannot use the access token from location: {ip}");
                failure(403, 9109, &words)
            }
        }
    }
}

fn failure(status: u16, code: u32, message: &str) -> Reply {
    let errors = json!([{ "code": code, "message": message }]);
    let body = json!({ "success": false, "errors": errors, "messages": [], "result": null });
    Reply::json(status, &body)
}

fn success(result: &Value) -> Reply {
    let body = json!({ "success": true, "errors": [], "messages": [], "result": result });
    Reply::json(200, &body)
}

fn zone_id(name: &str) -> String {
    hex::encode(Sha256::digest(name))[..32].to_owned()
}

/// A domain that no other one is above of.
fn is_zone(world: &World, name: &str) -> bool {
    let above = |other: &String| {
        name.strip_suffix(other.as_str())
            .is_some_and(|rest| rest.ends_with('.'))
    };
    !world.domains.keys().any(above)
}

fn zones(world: &World, request: &Request) -> Reply {
    let wanted = request.parameter("name");
    let names = world.domains.keys().filter(|name| is_zone(world, name));
    let names = names.filter(|name| wanted.as_ref().is_none_or(|wanted| wanted == *name));
    let zones: Vec<Value> = names
        .map(|name| {
            json!({
                "id": zone_id(name), "name": name, "status": "active", "paused": false, "type": "full",
                "permissions": ["#zone:read", "#dns_records:read", "#dns_records:edit"],
            })
        })
        .collect();
    success(&json!(zones))
}

fn find_zone(world: &World, id: &str) -> Option<String> {
    let mut names = world.domains.keys().filter(|name| is_zone(world, name));
    names.find(|name| zone_id(name) == id).cloned()
}

/// Records of a name: number, kind, content, data.
fn records_of(name: &str, entry: &RegisteredDomain) -> Vec<Value> {
    let record = |kind: &str, content: &str, data: Value| {
        let id = hex::encode(Sha256::digest(format!("{name} {kind} {content}")))[..32].to_owned();
        json!({ "id": id, "name": name, "type": kind, "content": content, "data": data, "ttl": 300, "proxied": false })
    };
    let ns = entry.ns.iter().map(|host| record("NS", host, Value::Null));
    let ds = entry.ds.iter().map(|ds| {
        let data = json!({
            "key_tag": ds.key_tag, "algorithm": ds.algorithm, "digest_type": ds.digest_type, "digest": ds.digest,
        });
        record("DS", &ds.rdata().to_uppercase(), data)
    });
    let others = entry
        .other_records
        .iter()
        .map(|kind| record(kind, "192.0.2.80", Value::Null));
    ns.chain(ds).chain(others).collect()
}

fn records(world: &World, id: &str, request: &Request) -> Reply {
    let Some(zone) = find_zone(world, id) else {
        return failure(404, 7003, "Could not route to the requested zone");
    };
    let wanted = request.parameter("name");
    let inside = world
        .domains
        .iter()
        .filter(|(name, _)| name.ends_with(&zone) && **name != zone);
    let inside = inside.filter(|(name, _)| wanted.as_ref().is_none_or(|wanted| wanted == *name));
    let records: Vec<Value> = inside.flat_map(|(name, entry)| records_of(name, entry)).collect();
    success(&json!(records))
}

/// One transaction: deletions first, then additions; all or nothing.
fn batch(world: &mut World, id: &str, request: &Request) -> Reply {
    let Some(zone) = find_zone(world, id) else {
        return failure(404, 7003, "Could not route to the requested zone");
    };
    let body = request.json();
    let list = |name: &str| body[name].as_array().cloned().unwrap_or_default();
    // Names of this zone, as they shall be.
    let mut after = world.domains.clone();
    for deleted in list("deletes") {
        let id = deleted["id"].as_str().unwrap_or_default();
        let found = after.iter_mut().find_map(|(name, entry)| {
            let at = records_of(name, entry)
                .iter()
                .position(|record| record["id"] == id)?;
            Some((entry, at))
        });
        let Some((entry, at)) = found else {
            return failure(404, 81044, "Record does not exist.");
        };
        remove(entry, at);
    }
    let mut touched = Vec::new();
    for posted in list("posts") {
        let name = posted["name"].as_str().unwrap_or_default().to_owned();
        if !name.ends_with(&format!(".{zone}")) {
            return failure(400, 1004, "DNS Validation Error: name is not in the zone");
        }
        let entry = after
            .entry(name.clone())
            .or_insert_with(|| RegisteredDomain::fresh(world.vendor));
        if let Err(message) = add(entry, &posted) {
            return failure(400, 9999, message);
        }
        touched.push(name);
    }
    for (name, entry) in after {
        if world.domains.get(&name) == Some(&entry) {
            continue;
        }
        world
            .domains
            .entry(name.clone())
            .or_insert_with(|| RegisteredDomain::fresh(super::RegistrarVendor::Cloudflare));
        let default = entry.ns.is_empty();
        world.apply(
            &name,
            vec![
                Delta::Ns {
                    hosts: entry.ns,
                    default,
                },
                Delta::SetDs(entry.ds),
            ],
        );
    }
    success(&json!({ "deletes": list("deletes"), "patches": [], "puts": [], "posts": list("posts") }))
}

fn remove(entry: &mut RegisteredDomain, at: usize) {
    let (ns, ds) = (entry.ns.len(), entry.ds.len());
    if at < ns {
        entry.ns.remove(at);
    } else if at < ns + ds {
        entry.ds.remove(at - ns);
    } else {
        entry.other_records.remove(at - ns - ds);
    }
}

fn add(entry: &mut RegisteredDomain, posted: &Value) -> Result<(), &'static str> {
    match posted["type"].as_str() {
        Some("NS") => {
            if !entry.other_records.is_empty() {
                return Err("NS records cannot exist on the same name as other records");
            }
            let host = posted["content"].as_str().unwrap_or_default().to_owned();
            if entry.ns.contains(&host) {
                return Err("An identical record already exists.");
            }
            entry.ns.push(host);
        }
        Some("DS") => {
            let ds = data(&posted["data"]).ok_or("DS data is not complete")?;
            entry.ds.push(ds);
        }
        _ => return Err("this type is not served here"),
    }
    Ok(())
}

fn data(data: &Value) -> Option<DsData> {
    Some(DsData {
        key_tag: number(&data["key_tag"])?,
        algorithm: number(&data["algorithm"])?,
        digest_type: number(&data["digest_type"])?,
        digest: data["digest"].as_str()?.to_lowercase(),
        key: None,
    })
}
