//! From method and path to a resource's verb.

use serde_json::{Value, json};

use crate::catalog;
use crate::listing::{self, Query};
use crate::problem::Problem;
use crate::project::Project;
use crate::resources::{Outcome, address, firewall, load_balancer, network, ok, server, simple, volume};

/// Kinds that can be listed, read and relabelled.
const KINDS: [&str; 11] = [
    "servers",
    "networks",
    "firewalls",
    "load_balancers",
    "volumes",
    "primary_ips",
    "floating_ips",
    "placement_groups",
    "ssh_keys",
    "certificates",
    "images",
];

/// A request behind `/v1`.
#[derive(Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a Query,
    pub(crate) body: &'a Value,
}

/// Answers a request.
pub(crate) fn route(project: &mut Project, request: &Request<'_>) -> Outcome {
    let segments: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let number = |text: &str| text.parse::<u64>().map_err(|_| Problem::not_found("resource"));
    match (request.method, segments.as_slice()) {
        ("GET", ["datacenters", ..]) if !project.changes.datacenters => {
            let mut gone = Problem::new(410, "deprecated_api_endpoint", "this endpoint was removed");
            gone.details = json!({"announcement": "https://docs.hetzner.cloud/changelog"});
            Err(gone)
        }
        ("GET", ["pricing"]) => ok(catalog::pricing()),
        ("GET", ["actions"]) => many_actions(project, request.query),
        ("GET", ["actions", id]) => ok(json!({"action": project.action(number(id)?)?})),
        ("GET", [list @ ("locations" | "server_types" | "load_balancer_types" | "isos" | "datacenters")]) => {
            ok(listing::page(list, shelf(project, list), request.query)?)
        }
        ("GET", [list @ ("locations" | "server_types" | "load_balancer_types"), id]) => {
            let id = number(id)?;
            let found = shelf(project, list).into_iter().find(|item| item["id"] == id);
            ok(json!({singular(list): found.ok_or_else(|| Problem::not_found(list))?}))
        }
        ("GET", [kind]) if KINDS.contains(kind) => list(project, kind, request.query),
        ("POST", [kind]) if KINDS.contains(kind) => create(project, kind, request.body),
        ("GET", [kind, id]) if KINDS.contains(kind) => {
            let id = number(id)?;
            let found = everything(project, kind)
                .into_iter()
                .find(|item| item["id"] == id);
            ok(json!({singular(kind): found.ok_or_else(|| Problem::not_found(kind))?}))
        }
        ("PUT", [kind, id]) if KINDS.contains(kind) => update(project, kind, number(id)?, request.body),
        ("DELETE", [kind, id]) if KINDS.contains(kind) => delete(project, kind, number(id)?),
        ("GET", [kind, id, "actions"]) if KINDS.contains(kind) => ok(listing::page(
            "actions",
            project.actions_of(kind, number(id)?),
            request.query,
        )?),
        ("POST", [kind, id, "actions", verb]) => act(project, kind, number(id)?, verb, request.body),
        (_, [kind, ..]) if KINDS.contains(kind) => {
            Err(Problem::new(405, "method_not_allowed", "method not allowed"))
        }
        _ => Err(Problem::not_found("endpoint")),
    }
}

fn singular(kind: &str) -> &str {
    kind.strip_suffix('s').unwrap_or(kind)
}

fn shelf(project: &Project, list: &str) -> Vec<Value> {
    match list {
        "locations" => catalog::locations(),
        "server_types" => catalog::server_types(&project.sold_out, project.changes),
        "load_balancer_types" => catalog::load_balancer_types(),
        _ => Vec::new(),
    }
}

/// All of a kind, as the API shows it.
pub(crate) fn everything(project: &Project, kind: &str) -> Vec<Value> {
    match kind {
        "servers" => project.all(kind).map(server::shown).collect(),
        "load_balancers" => project
            .all(kind)
            .map(|lb| load_balancer::shown(project, lb))
            .collect(),
        "images" => catalog::images()
            .into_iter()
            .chain(project.all(kind).cloned())
            .collect(),
        _ => project.all(kind).cloned().collect(),
    }
}

fn list(project: &Project, kind: &str, query: &Query) -> Outcome {
    let mut items = everything(project, kind);
    if kind == "images" {
        let wanted: Vec<&str> = query
            .iter()
            .filter(|(key, _)| key == "type")
            .map(|(_, v)| v.as_str())
            .collect();
        items.retain(|image| wanted.is_empty() || wanted.iter().any(|wanted| image["type"] == *wanted));
    }
    ok(listing::page(kind, items, query)?)
}

fn many_actions(project: &Project, query: &Query) -> Outcome {
    let ids: Vec<u64> = query
        .iter()
        .filter(|(key, _)| key == "id")
        .filter_map(|(_, v)| v.parse().ok())
        .collect();
    if ids.is_empty() {
        return Err(Problem::invalid("id", "at least one id is required"));
    }
    let actions = ids.into_iter().filter_map(|id| project.action(id).ok()).collect();
    let query: Query = query.iter().filter(|(key, _)| key != "id").cloned().collect();
    ok(listing::page("actions", actions, &query)?)
}

fn create(project: &mut Project, kind: &str, body: &Value) -> Outcome {
    match kind {
        "servers" => server::create(project, body),
        "networks" => network::create(project, body),
        "firewalls" => firewall::create(project, body),
        "load_balancers" => load_balancer::create(project, body),
        "volumes" => volume::create(project, body),
        "primary_ips" => address::create_primary(project, body),
        "floating_ips" => address::create_floating(project, body),
        "placement_groups" => simple::create_placement_group(project, body),
        "ssh_keys" => simple::create_ssh_key(project, body),
        "certificates" => simple::create_certificate(project, body),
        _ => Err(Problem::new(
            405,
            "method_not_allowed",
            "images are made from servers",
        )),
    }
}

fn delete(project: &mut Project, kind: &str, id: u64) -> Outcome {
    match kind {
        "servers" => server::delete(project, id),
        "networks" => network::delete(project, id),
        "firewalls" => firewall::delete(project, id),
        "load_balancers" => load_balancer::delete(project, id),
        "volumes" => volume::delete(project, id),
        "primary_ips" => address::delete_primary(project, id),
        "floating_ips" => address::delete_floating(project, id),
        _ => simple::delete(project, kind, id),
    }
}

fn act(project: &mut Project, kind: &str, id: u64, verb: &str, body: &Value) -> Outcome {
    match kind {
        "servers" => server::act(project, id, verb, body),
        "networks" => network::act(project, id, verb, body),
        "firewalls" => firewall::act(project, id, verb, body),
        "load_balancers" => load_balancer::act(project, id, verb, body),
        "volumes" => volume::act(project, id, verb, body),
        "primary_ips" => address::act_primary(project, id, verb, body),
        _ => Err(Problem::not_found("action")),
    }
}

/// Name and labels; labels are replaced as a whole.
fn update(project: &mut Project, kind: &str, id: u64, body: &Value) -> Outcome {
    let mut renamed = body.clone();
    let current = project.get(kind, id)?;
    if body["name"].is_null() || body["name"] == current["name"] {
        renamed["name"] = json!(format!("{id}.{id}"));
    }
    project.check_new(kind, &renamed)?;
    let resource = project.get_mut(kind, id)?;
    for field in ["name", "labels", "auto_delete"] {
        if let Some(value) = body.get(field) {
            resource[field] = value.clone();
        }
    }
    ok(json!({singular(kind): project.get(kind, id)?}))
}
