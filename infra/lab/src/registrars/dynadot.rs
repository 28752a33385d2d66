//! Dynadot's REST API v2, from <https://www.dynadot.com/domain/api-document>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use super::contract::{Contract, Refusal};
use super::registry::{Delta, DsData, World};
use super::request::{Reply, Request, number, texts};

pub(super) struct Dynadot;

impl Contract for Dynadot {
    fn writes(&self, request: &Request) -> bool {
        request.method != "GET"
    }

    fn answer(&self, world: &mut World, request: &Request) -> Reply {
        if request.header("authorization") != format!("Bearer {}", world.secret("key")) {
            return failure(401, "Invalid API key");
        }
        if !is_signed(world, request) {
            return failure(400, "X-Signature invalid");
        }
        let segments = request.segments();
        let ["restful", "v2", "domains", domain, rest @ ..] = segments.as_slice() else {
            return failure(404, "Not found");
        };
        let domain = (*domain).to_owned();
        let Some(entry) = world.domains.get(&domain).cloned() else {
            return failure(404, "Could not find domain in your account");
        };
        if entry.locked && self.writes(request) {
            return failure(400, "The domain is locked");
        }
        let body = request.json();
        match (request.method.as_str(), rest) {
            ("GET", []) => {
                let servers: Vec<Value> = entry
                    .ns
                    .iter()
                    .map(|host| json!({ "server_id": 1, "server_name": host }))
                    .collect();
                let settings = json!({ "type": "Name Servers", "name_servers": servers });
                let info = json!({
                    "domain_name": domain, "locked": "yes", "status": "active",
                    "glue_info": { "name_server_settings": settings },
                });
                success(&json!({ "domain_info": [info] }))
            }
            ("PUT", ["nameservers"]) => {
                let hosts = texts(&body["nameserver_list"]);
                if !(2..=13).contains(&hosts.len()) {
                    return failure(400, "nameserver_list must have 2 to 13 name servers");
                }
                let default = hosts.iter().all(|host| host.ends_with(".dyna-ns.net"));
                world.apply(&domain, vec![Delta::Ns { hosts, default }]);
                success(&Value::Null)
            }
            ("GET", ["dnssec"]) => {
                let list: Vec<Value> = entry.ds.iter().map(info).collect();
                success(&json!({ "dnssec_info_list": list }))
            }
            ("PUT", ["dnssec"]) => match data(&body) {
                Some(ds) => {
                    world.apply(&domain, vec![Delta::AddDs(ds)]);
                    success(&Value::Null)
                }
                None => failure(400, "key_tag, digest_type, digest and algorithm are needed"),
            },
            ("DELETE", ["dnssec"]) => {
                world.apply(&domain, vec![Delta::SetDs(Vec::new())]);
                success(&Value::Null)
            }
            _ => failure(404, "Not found"),
        }
    }

    fn refusal(&self, refusal: Refusal) -> Reply {
        match refusal {
            Refusal::Failure(status) => failure(status, "Internal error"),
            Refusal::RateLimited(seconds) => failure(429, "Too many requests").retry_after(seconds),
            Refusal::NotAllowed(ip) => failure(403, &format!("The IP address {ip} is not in the whitelist")),
        }
    }
}

/// HMAC-SHA256 of key, path with query, request number and body, each on its line.
fn is_signed(world: &World, request: &Request) -> bool {
    let target = if request.query.is_empty() {
        request.path.clone()
    } else {
        format!("{}?{}", request.path, request.query)
    };
    let number = request.header("x-request-id");
    let signed = [world.secret("key"), &target, number, &request.body].join("\n");
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(world.secret("secret").as_bytes()) else {
        return false;
    };
    mac.update(signed.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes()) == request.header("x-signature")
}

fn failure(status: u16, message: &str) -> Reply {
    let error = json!({ "description": message });
    Reply::json(
        status,
        &json!({ "code": status, "message": "Error", "error": error }),
    )
}

fn success(data: &Value) -> Reply {
    Reply::json(200, &json!({ "code": 200, "message": "Success", "data": data }))
}

fn info(ds: &DsData) -> Value {
    json!({
        "key_tag": ds.key_tag, "algorithm": ds.algorithm.to_string(), "digest_type": ds.digest_type.to_string(),
        "digest": ds.digest.to_uppercase(),
    })
}

fn data(body: &Value) -> Option<DsData> {
    Some(DsData {
        key_tag: number(&body["key_tag"])?,
        algorithm: number(&body["algorithm"])?,
        digest_type: number(&body["digest_type"])?,
        digest: body["digest"].as_str()?.to_lowercase(),
        key: None,
    })
}
