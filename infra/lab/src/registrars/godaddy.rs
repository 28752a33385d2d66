//! `GoDaddy`'s API v1 (domains) and v2 (keys), from its Swagger files at <https://developer.godaddy.com/doc/endpoint/domains>.

use serde_json::{Value, json};

use super::contract::{Contract, Refusal};
use super::registry::{Delta, DsData, TaskStatus, World};
use super::request::{Reply, Request, number, texts};

pub(super) struct Godaddy;

/// The customer whose domains these are.
pub(super) const CUSTOMER: &str = "295e3bc3-b3b9-4d95-aae5-ede41a994d13";
/// Algorithms and digests by name.
const ALGORITHMS: [(&str, u8); 4] = [
    ("RSASHA256", 8),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
];
const DIGESTS: [(&str, u8); 3] = [("SHA1", 1), ("SHA256", 2), ("SHA384", 4)];

impl Contract for Godaddy {
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        let wanted = format!("sso-key {}:{}", world.secret("key"), world.secret("secret"));
        if request.header("authorization") != wanted {
            return failure(
                401,
                "UNABLE_TO_AUTHENTICATE",
                "Unauthorized : Could not authenticate API key/secret",
            );
        }
        let segments = request.segments();
        let Some(domain) = segments
            .iter()
            .position(|it| *it == "domains")
            .and_then(|at| segments.get(at + 1))
        else {
            return failure(404, "NOT_FOUND", "Not Found");
        };
        let domain = (*domain).to_owned();
        if !world.domains.contains_key(&domain) {
            return failure(
                404,
                "NOT_FOUND",
                "The given domain is not registered, or does not have a zone file",
            );
        }
        match (request.method.as_str(), segments.as_slice()) {
            ("GET", ["v1", "domains", _]) => shown(world, &domain),
            ("PATCH", ["v1", "domains", _]) => name_servers(world, &domain, request),
            (method, ["v2", "customers", CUSTOMER, "domains", _, rest @ ..]) => {
                v2(world, &domain, method, rest, request)
            }
            (_, ["v2", "customers", ..]) => {
                failure(403, "ACCESS_DENIED", "Authenticated user is not allowed access")
            }
            _ => failure(404, "NOT_FOUND", "Not Found"),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => failure(status, "ERROR_INTERNAL", "Internal server error"),
            Refusal::RateLimited(seconds) => {
                let words = "Too many requests received within interval";
                let body = json!({ "code": "TOO_MANY_REQUESTS", "message": words, "retryAfterSec": seconds });
                Reply::json(429, &body)
            }
            // There is no allow-list.
            Refusal::NotAllowed(_) => {
                failure(403, "ACCESS_DENIED", "Authenticated user is not allowed access")
            }
        }
    }
}

fn failure(status: u16, code: &str, message: &str) -> Reply {
    Reply::json(status, &json!({ "code": code, "message": message }))
}

fn shown(world: &World, domain: &str) -> Reply {
    let entry = &world.domains[domain];
    let status = if entry.locked {
        "LOCKED_REGISTRAR"
    } else {
        "ACTIVE"
    };
    let body = json!({
        "domain": domain, "domainId": 1, "status": status, "locked": true, "nameServers": entry.ns,
    });
    Reply::json(200, &body)
}

fn name_servers(world: &mut World, domain: &str, request: &Request) -> Reply {
    if world.domains[domain].locked {
        let words = "The domain is not eligible to have its nameservers changed";
        return failure(409, "DOMAIN_LOCKED", words);
    }
    let hosts = texts(&request.json()["nameServers"]);
    if !(2..=13).contains(&hosts.len()) {
        let fields =
            json!([{ "path": "nameServers", "code": "TOO_FEW", "message": "at least two name servers" }]);
        let body = json!({ "code": "INVALID_BODY", "message": "Request body doesn't fulfill schema", "fields": fields });
        return Reply::json(422, &body);
    }
    let default = hosts.iter().all(|host| host.ends_with(".domaincontrol.com"));
    world.apply(domain, vec![Delta::Ns { hosts, default }]);
    Reply::empty(200)
}

fn v2(world: &mut World, domain: &str, method: &str, rest: &[&str], request: &Request) -> Reply {
    match (method, rest) {
        ("GET", []) => {
            let ds: Vec<Value> = world.domains[domain].ds.iter().filter_map(record).collect();
            Reply::json(
                200,
                &json!({ "domain": domain, "status": "ACTIVE", "dnssecRecords": ds }),
            )
        }
        ("GET", ["actions", kind]) => {
            let found = world
                .tasks
                .iter()
                .rev()
                .find(|task| task.domain == domain && task.kind == *kind);
            match found {
                Some(task) => {
                    let status = match task.status {
                        TaskStatus::Running => "PENDING",
                        TaskStatus::Done => "SUCCESS",
                        TaskStatus::Failed => "FAILED",
                    };
                    let reason = json!({ "code": "REGISTRY", "message": "the registry said no" });
                    let reason = if status == "FAILED" { reason } else { Value::Null };
                    Reply::json(200, &json!({ "type": kind, "status": status, "reason": reason }))
                }
                None => failure(404, "NOT_FOUND", "no such action"),
            }
        }
        ("PATCH" | "DELETE", ["dnssecRecords"]) => {
            let body = request.json();
            let records = body.as_array().map(Vec::as_slice).unwrap_or_default();
            let Some(records) = records.iter().map(data).collect::<Option<Vec<DsData>>>() else {
                return failure(422, "INVALID_BODY", "Request body doesn't fulfill schema");
            };
            let kind = if method == "PATCH" {
                "DNSSEC_CREATE"
            } else {
                "DNSSEC_DELETE"
            };
            let running = |task: &super::registry::Task| {
                task.domain == domain && task.kind == kind && task.status == TaskStatus::Running
            };
            if world.tasks.iter().any(running) {
                return failure(409, "ACTION_IN_PROGRESS", "an action of the kind is running");
            }
            let deltas = records.into_iter().map(if method == "PATCH" {
                Delta::AddDs
            } else {
                Delta::RemoveDs
            });
            world.schedule(domain, kind, deltas.collect());
            Reply::empty(202)
        }
        _ => failure(404, "NOT_FOUND", "Not Found"),
    }
}

fn record(ds: &DsData) -> Option<Value> {
    let name = |table: &[(&'static str, u8)], number| {
        table.iter().find(|(_, it)| *it == number).map(|(name, _)| *name)
    };
    Some(json!({
        "algorithm": name(&ALGORITHMS, ds.algorithm)?,
        "keyTag": ds.key_tag,
        "digestType": name(&DIGESTS, ds.digest_type)?,
        "digest": ds.digest.to_uppercase(),
        "flags": "KSK",
    }))
}

fn data(record: &Value) -> Option<DsData> {
    let value = |table: &[(&str, u8)], key: &str| {
        let name = record[key].as_str()?;
        table
            .iter()
            .find(|(it, _)| *it == name)
            .map(|(_, number)| *number)
    };
    Some(DsData {
        key_tag: number(&record["keyTag"])?,
        algorithm: value(&ALGORITHMS, "algorithm")?,
        digest_type: value(&DIGESTS, "digestType")?,
        digest: record["digest"].as_str()?.to_lowercase(),
        key: None,
    })
}
