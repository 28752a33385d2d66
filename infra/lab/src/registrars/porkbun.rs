//! Porkbun's JSON API v3, from <https://porkbun.com/api/json/v3/documentation>.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::{Map, Value, json};

use super::contract::{Contract, Refusal};
use super::registry::{Delta, DsData, World};
use super::request::{Reply, Request, number, texts};

pub(super) struct Porkbun;

impl Contract for Porkbun {
    fn writes(&self, request: &Request) -> bool {
        !request.path.contains("/get") && !request.path.ends_with("/ping")
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        let body = request.json();
        if request.method != "POST" || body.is_null() {
            return failure(400, "Invalid request.");
        }
        if body["apikey"] != world.secret("key") || body["secretapikey"] != world.secret("secret") {
            return failure(400, "Invalid API key. (001)");
        }
        let segments = request.segments();
        let [group, verb, domain, rest @ ..] = segments.as_slice() else {
            return failure(404, "Invalid command.");
        };
        let domain = (*domain).to_owned();
        let Some(entry) = world.domains.get(&domain) else {
            return failure(400, "Invalid domain.");
        };
        let locked = entry.locked && self.writes(request);
        if locked {
            return failure(400, "Domain is locked and cannot be modified.");
        }
        match (*group, *verb, rest) {
            ("domain", "getNs", []) => success(json!({ "ns": entry.ns })),
            ("domain", "updateNs", []) => name_servers(world, &domain, &texts(&body["ns"])),
            ("domain", "getGlue", []) => glue(world, &domain),
            ("domain", "createGlue" | "updateGlue", [host]) => set_glue(world, &domain, verb, host, &body),
            ("dns", "getDnssecRecords", []) => keys(world, &domain),
            ("dns", "createDnssecRecord", []) => add_key(world, &domain, &body),
            ("dns", "deleteDnssecRecord", [tag]) => remove_key(world, &domain, tag),
            _ => failure(404, "Invalid command."),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => failure(status, "Something went wrong."),
            Refusal::RateLimited(seconds) => failure(503, "Rate limit exceeded.").retry_after(seconds),
            Refusal::NotAllowed(ip) => failure(403, &format!("The IP address {ip} may not use this key.")),
        }
    }
}

fn failure(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({ "status": "ERROR", "message": message }))
}

fn success(mut body: Value) -> Reply {
    body["status"] = "SUCCESS".into();
    Reply::json(200, &body)
}

fn name_servers(world: &mut World, domain: &str, hosts: &[String]) -> Reply {
    if hosts.len() < 2 {
        return failure(400, "At least two name servers are required.");
    }
    let default = hosts.iter().all(|host| host.ends_with(".porkbun.com"));
    let hosts = hosts.to_vec();
    world.apply(domain, vec![Delta::Ns { hosts, default }]);
    success(json!({}))
}

fn glue(world: &World, domain: &str) -> Reply {
    let hosts = world.domains[domain].glue.iter().map(|(host, addresses)| {
        let of = |v4: bool| {
            addresses
                .iter()
                .filter(|ip| ip.is_ipv4() == v4)
                .collect::<Vec<_>>()
        };
        json!([host, { "v4": of(true), "v6": of(false) }])
    });
    success(json!({ "hosts": hosts.collect::<Vec<_>>() }))
}

fn set_glue(world: &mut World, domain: &str, verb: &str, label: &str, body: &Value) -> Reply {
    let host = format!("{label}.{domain}");
    let exists = world.domains[domain].glue.contains_key(&host);
    if exists != (verb == "updateGlue") {
        return failure(400, "The host does not fit the command.");
    }
    let addresses = texts(&body["ips"])
        .iter()
        .map(|ip| ip.parse())
        .collect::<Result<BTreeSet<IpAddr>, _>>();
    let Some(addresses) = addresses.ok().filter(|it| !it.is_empty()) else {
        return failure(400, "Invalid IP address.");
    };
    world.apply(domain, vec![Delta::Glue(host, addresses)]);
    success(json!({}))
}

/// By tag, as an object; an empty list without any.
fn keys(world: &World, domain: &str) -> Reply {
    let ds = &world.domains[domain].ds;
    if ds.is_empty() {
        return success(json!({ "records": [] }));
    }
    let records: Map<String, Value> = ds
        .iter()
        .map(|ds| {
            let record = json!({
                "keyTag": ds.key_tag.to_string(), "alg": ds.algorithm.to_string(),
                "digestType": ds.digest_type.to_string(), "digest": ds.digest.to_uppercase(),
            });
            (ds.key_tag.to_string(), record)
        })
        .collect();
    success(json!({ "records": records }))
}

fn add_key(world: &mut World, domain: &str, body: &Value) -> Reply {
    let Some(ds) = data(body) else {
        return failure(400, "Invalid DNSSEC data.");
    };
    world.apply(domain, vec![Delta::AddDs(ds)]);
    success(json!({}))
}

fn remove_key(world: &mut World, domain: &str, tag: &str) -> Reply {
    let found = world.domains[domain]
        .ds
        .iter()
        .find(|ds| ds.key_tag.to_string() == tag)
        .cloned();
    match found {
        Some(ds) => {
            world.apply(domain, vec![Delta::RemoveDs(ds)]);
            success(json!({}))
        }
        None => failure(400, "Invalid key tag."),
    }
}

fn data(body: &Value) -> Option<DsData> {
    Some(DsData {
        key_tag: number(&body["keyTag"])?,
        algorithm: number(&body["alg"])?,
        digest_type: number(&body["digestType"])?,
        digest: body["digest"].as_str()?.to_lowercase(),
        key: None,
    })
}
