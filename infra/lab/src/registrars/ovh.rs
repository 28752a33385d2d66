//! `OVHcloud`'s API v2, resource `/domain/name/{domainName}`, from <https://eu.api.ovh.com/console/?branch=v2>, with the signatures of
//! <https://github.com/ovh/go-ovh>.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::contract::{Contract, Refusal};
use super::dnskey::ds_of;
use super::registry::{Delta, DsData, RegisteredDomain, TaskStatus, World};
use super::request::{Reply, Request, number};

pub(super) struct Ovh;

/// How far the registrar's clock is ahead, in seconds: nobody's is right.
const AHEAD: u64 = 7_200;
/// How old a signature may be, in seconds.
const MAX_AGE: u64 = 30;

impl Contract for Ovh {
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        if request.path == "/v1/auth/time" {
            return Reply::json(200, &json!(now()));
        }
        if let Err(reply) = check(world, request) {
            return reply;
        }
        let segments = request.segments();
        let ["v2", "domain", "name", domain] = segments.as_slice() else {
            return failure(
                404,
                "Client::NotFound",
                "NOT_FOUND",
                "Got an invalid (or empty) URL",
            );
        };
        let domain = (*domain).to_owned();
        if !world.domains.contains_key(&domain) {
            return failure(
                404,
                "Client::NotFound",
                "NOT_FOUND",
                "This service does not exist",
            );
        }
        match request.method.as_str() {
            "GET" => Reply::json(200, &shown(world, &domain)),
            "PUT" => update(world, &domain, &request.json()),
            _ => failure(
                405,
                "Client::MethodNotAllowed",
                "METHOD_NOT_ALLOWED",
                "Method not allowed",
            ),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => {
                failure(status, "Server::InternalServerError", "", "Internal server error")
            }
            Refusal::RateLimited(seconds) => failure(
                429,
                "Client::TooManyRequests",
                "TOO_MANY_REQUESTS",
                "Too many requests",
            )
            .retry_after(seconds),
            Refusal::NotAllowed(_) => failure(
                403,
                "Client::Forbidden",
                "NOT_GRANTED_CALL",
                "This call has not been granted for this IP",
            ),
        }
    }
}

fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
        + AHEAD
}

fn failure(status: u16, class: &str, code: &str, message: &str) -> Reply {
    Reply::json(
        status,
        &json!({ "class": class, "errorCode": code, "message": message, "httpCode": status.to_string() }),
    )
}

fn check(world: &World, request: &Request) -> Result<(), Reply> {
    let forbidden = |code, message| Err(failure(403, "Client::Forbidden", code, message));
    if request.header("x-ovh-application") != world.secret("application") {
        return forbidden("INVALID_KEY", "This application key is invalid");
    }
    if request.header("x-ovh-consumer") != world.secret("consumer") {
        return forbidden("INVALID_CREDENTIAL", "This credential is not valid");
    }
    let time = request.header("x-ovh-timestamp");
    if time.parse::<u64>().map_or(u64::MAX, |time| now().abs_diff(time)) > MAX_AGE {
        return forbidden("QUERY_TIME_OUT", "Query out of time");
    }
    let parts = [
        world.secret("secret"),
        world.secret("consumer"),
        &request.method,
        &request.url,
        &request.body,
        time,
    ];
    let wanted = format!("$1${}", hex::encode(Sha1::digest(parts.join("+"))));
    if request.header("x-ovh-signature") != wanted {
        return forbidden("INVALID_SIGNATURE", "Invalid signature");
    }
    Ok(())
}

fn servers(entry: &RegisteredDomain) -> Value {
    let servers = entry.ns.iter().map(|host| {
        let mut server = json!({ "nameServer": host });
        for address in entry.glue.get(host).into_iter().flatten() {
            server[if address.is_ipv4() { "ipv4" } else { "ipv6" }] = json!(address);
        }
        server
    });
    json!(servers.collect::<Vec<_>>())
}

fn keys(entry: &RegisteredDomain) -> Value {
    let keys = entry.ds.iter().filter_map(|ds| {
        let (flags, key) = ds.key.as_ref()?;
        Some(json!({ "algorithm": ds.algorithm, "flags": flags, "keyTag": ds.key_tag, "publicKey": key }))
    });
    json!(keys.collect::<Vec<_>>())
}

fn spec(entry: &RegisteredDomain) -> Value {
    json!({
        "contactsConfiguration": { "contactOwner": { "id": "1" } },
        "dnsConfiguration": { "nameServers": servers(entry) },
        "dnssecConfiguration": { "dsData": keys(entry) },
        "protectionState": "PROTECTED",
    })
}

fn shown(world: &World, domain: &str) -> Value {
    let entry = &world.domains[domain];
    let wanted = spec(world.wanted.get(domain).unwrap_or(entry));
    let default = entry.ns.iter().all(|host| host.ends_with(".ovh.net"));
    let tasks: Vec<Value> = world
        .tasks
        .iter()
        .filter(|task| task.domain == domain && task.status != TaskStatus::Done)
        .map(|task| {
            let status = if task.status == TaskStatus::Failed {
                "ERROR"
            } else {
                "RUNNING"
            };
            let link = format!("/v2/domain/name/{domain}/task/{}", task.id);
            json!({ "id": task.id, "type": task.kind, "status": status, "link": link })
        })
        .collect();
    let running = tasks.iter().any(|task| task["status"] == "RUNNING");
    json!({
        "id": domain,
        "checksum": hex::encode(Sha256::digest(wanted.to_string())),
        "resourceStatus": if entry.locked { "SUSPENDED" } else if running { "UPDATING" } else { "READY" },
        "currentState": {
            "name": domain, "extension": "example", "mainState": "OK", "protectionState": "PROTECTED",
            "suspensionState": if entry.locked { "SUSPENDED" } else { "NOT_SUSPENDED" },
            "createdAt": "2024-01-01T00:00:00Z", "additionalStates": [],
            "dnsConfiguration": {
                "configurationType": if default { "HOSTING" } else { "EXTERNAL" },
                "nameServers": servers(entry), "minDns": 2, "maxDns": 13, "glueRecordIpv6Supported": true, "hostSupported": true,
            },
            "dnssecConfiguration": { "dnssecSupported": true, "dsData": keys(entry) },
        },
        "targetSpec": wanted,
        "currentTasks": tasks,
    })
}

fn update(world: &mut World, domain: &str, body: &Value) -> Reply {
    let now = shown(world, domain);
    if now["resourceStatus"] == "SUSPENDED" {
        return failure(
            409,
            "Client::Conflict",
            "RESOURCE_LOCKED",
            "The domain is suspended",
        );
    }
    if body["checksum"] != now["checksum"] {
        return failure(
            409,
            "Client::Conflict",
            "CHECKSUM_MISMATCH",
            "The checksum does not match the latest target specification",
        );
    }
    let spec = &body["targetSpec"];
    // A target replaces the one before: what is left out is a mistake.
    let complete = [
        "contactsConfiguration",
        "dnsConfiguration",
        "dnssecConfiguration",
        "protectionState",
    ];
    if complete.iter().any(|part| spec[part].is_null()) {
        return failure(
            400,
            "Client::BadRequest",
            "INVALID_ARGUMENT",
            "targetSpec is not complete",
        );
    }
    let Some((hosts, glue, ds)) = wanted(domain, spec) else {
        return failure(
            400,
            "Client::BadRequest",
            "INVALID_ARGUMENT",
            "targetSpec cannot be read",
        );
    };
    if !(2..=13).contains(&hosts.len()) {
        return failure(
            400,
            "Client::BadRequest",
            "INVALID_ARGUMENT",
            "between 2 and 13 name servers are needed",
        );
    }
    let default = hosts.iter().all(|host| host.ends_with(".ovh.net"));
    let mut target = world.domains[domain].clone();
    let mut deltas: Vec<Delta> = glue
        .into_iter()
        .map(|(host, addresses)| Delta::Glue(host, addresses))
        .collect();
    deltas.push(Delta::Ns { hosts, default });
    deltas.push(Delta::SetDs(ds));
    for delta in deltas.clone() {
        super::registry::change(&mut target, delta, false);
    }
    world.wanted.insert(domain.to_owned(), target);
    // A failed task is forgotten when another takes its place.
    world
        .tasks
        .retain(|task| task.domain != domain || task.status != TaskStatus::Failed);
    world.schedule(domain, "DomainDnsUpdate", deltas);
    Reply::json(200, &shown(world, domain))
}

type Wanted = (Vec<String>, BTreeMap<String, BTreeSet<IpAddr>>, Vec<DsData>);

fn wanted(domain: &str, spec: &Value) -> Option<Wanted> {
    let mut hosts = Vec::new();
    let mut glue: BTreeMap<String, BTreeSet<IpAddr>> = BTreeMap::new();
    for server in spec["dnsConfiguration"]["nameServers"].as_array()? {
        let host = server["nameServer"].as_str()?.to_owned();
        for kind in ["ipv4", "ipv6"] {
            if let Some(address) = server[kind].as_str() {
                glue.entry(host.clone())
                    .or_default()
                    .insert(address.parse().ok()?);
            }
        }
        hosts.push(host);
    }
    let key = |data: &Value| {
        let (flags, algorithm) = (number(&data["flags"])?, number(&data["algorithm"])?);
        let ds = ds_of(domain, flags, algorithm, data["publicKey"].as_str()?)?;
        (number::<u16>(&data["keyTag"])? == ds.key_tag).then_some(ds)
    };
    let ds = spec["dnssecConfiguration"]["dsData"]
        .as_array()?
        .iter()
        .map(key)
        .collect::<Option<Vec<_>>>()?;
    Some((hosts, glue, ds))
}
