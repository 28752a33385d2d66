//! The lab's own switches, under `/lab/v1`. On loopback and without a token: whoever reaches it may break it.

use std::io;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::console;
use crate::fault::Fault;
use crate::machine::HostFaults;
use crate::private_dns;
use crate::project::Project;
use crate::registrars;
use crate::resources::{load_balancer, server, volume};
use crate::shared::{Shared, World};

pub(crate) async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    Path(verb): Path<String>,
    body: Bytes,
) -> Response {
    let body: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
    if let Some(verb) = verb.strip_prefix("hosts/") {
        let outcome = console::answer(&shared, verb, &body).await;
        return outcome.map_or_else(|why| refuse(&why), |value| Json(value).into_response());
    }
    if let Some(verb) = verb.strip_prefix("registrars/") {
        let outcome = registrars::answer_desk(&shared.registrars, verb, &body).await;
        return outcome.map_or_else(|why| refuse(&why), |value| Json(value).into_response());
    }
    if verb == "zones/shorten" {
        let outcome = shorten(&shared, &body).await;
        return outcome.map_or_else(|why| refuse(&why.to_string()), |()| done());
    }
    let mut world = shared.lock();
    match (method.as_str(), verb.as_str()) {
        ("GET", "status") => Json(status(&mut world)).into_response(),
        ("GET", "user-data") => Json(user_data(&world)).into_response(),
        ("GET", "stats") => Json(world.counter.stats()).into_response(),
        ("DELETE", "stats") => {
            world.counter.reset();
            done()
        }
        ("GET", "faults") => Json(world.faults.list()).into_response(),
        ("POST", "faults") => match serde_json::from_value::<Fault>(body) {
            Ok(fault) => {
                let mut faults = HostFaults::default();
                if fault.effect.note(&mut faults)
                    && let Err(why) = console::bearable(&shared.config, &faults)
                {
                    return refuse(&why);
                }
                world.faults.set(fault);
                done()
            }
            Err(error) => refuse(&error.to_string()),
        },
        ("DELETE", "faults") => {
            world.faults.clear(body["name"].as_str());
            done()
        }
        ("POST", "sold-out") => {
            let offers = body["offers"].as_array().cloned().unwrap_or_default();
            let offers: Vec<String> = offers
                .iter()
                .filter_map(|o| o.as_str().map(str::to_owned))
                .collect();
            world
                .projects
                .values_mut()
                .for_each(|project| project.sold_out.clone_from(&offers));
            done()
        }
        ("POST", "bucket") => {
            let remaining = body["remaining"].as_f64().unwrap_or_default();
            world
                .buckets
                .values_mut()
                .for_each(|bucket| bucket.leave(remaining, Timestamp::now()));
            done()
        }
        ("POST", "inside") => inside(&mut world, &body),
        ("POST", "stop") => {
            shared.stop.cancel();
            done()
        }
        _ => (StatusCode::NOT_FOUND, Json(json!({"error": "no such switch"}))).into_response(),
    }
}

/// Lets caches forget a zone soon: `{"zone", "ttl"}`, the zone without the dot at the end.
async fn shorten(shared: &Shared, body: &Value) -> io::Result<()> {
    let zone = format!("{}.", body["zone"].as_str().unwrap_or_default());
    let ttl = body["ttl"].as_u64().and_then(|ttl| u32::try_from(ttl).ok());
    for (api, key) in &shared.name_servers {
        private_dns::shorten(api, key, &zone, ttl.unwrap_or(1)).await?;
    }
    if shared.name_servers.is_empty() {
        return Err(io::Error::other(
            "this lab has no name servers: start it with `--dns`",
        ));
    }
    Ok(())
}

fn done() -> Response {
    Json(json!({"done": true})).into_response()
}

fn refuse(why: &str) -> Response {
    (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": why}))).into_response()
}

/// Everything that exists, by project and kind, and the hosts; empty kinds are left out.
fn status(world: &mut World) -> Value {
    let now = Timestamp::now();
    let mut projects = serde_json::Map::new();
    let mut hosts = Vec::new();
    for (name, project) in &mut world.projects {
        project.advance(now);
        hosts.extend(console::views(project).map(|view| json!(view)));
        let kinds = project.kinds.iter().filter(|(_, all)| !all.is_empty());
        let kinds = kinds.map(|(kind, all)| (kind.clone(), Value::Array(all.values().cloned().collect())));
        projects.insert(name.clone(), Value::Object(kinds.collect()));
    }
    json!({"projects": projects, "hosts": hosts})
}

/// Makes what a running cluster makes: `{"project", "servers", "volumes", "load_balancers", "network", "prefix"}`.
fn inside(world: &mut World, body: &Value) -> Response {
    let name = body["project"].as_str().unwrap_or("lab");
    let Some(project) = world.projects.get_mut(name) else {
        return refuse("no such project");
    };
    project.advance(Timestamp::now());
    let network = project
        .all("networks")
        .find(|net| net["name"] == body["network"])
        .map(|net| net["id"].clone());
    let Some(network) = network else {
        return refuse("no such network");
    };
    match make_inside(project, body, &network) {
        Ok(()) => done(),
        Err(problem) => refuse(&problem.message),
    }
}

fn make_inside(project: &mut Project, body: &Value, network: &Value) -> Result<(), crate::problem::Problem> {
    let prefix = body["prefix"].as_str().unwrap_or("inside").to_owned();
    let number = |key: &str| body[key].as_u64().unwrap_or_default();
    for index in 0..number("servers") {
        let order = json!({
            "name": format!("{prefix}-autoscaled-{index}"), "server_type": "cx33", "location": "fsn1",
            "image": "ubuntu-24.04", "networks": [network], "labels": {"hcloud/node-group": prefix},
        });
        server::create(project, &order)?;
    }
    let host = project
        .all("servers")
        .find(|server| {
            server["private_net"]
                .as_array()
                .is_some_and(|n| n.iter().any(|n| n["network"] == *network))
        })
        .map(|server| server["id"].clone());
    for index in 0..number("volumes") {
        let order =
            json!({"name": format!("pvc-{prefix}-{index}"), "size": 10, "server": host, "location": "fsn1"});
        volume::create(project, &order)?;
    }
    for index in 0..number("load_balancers") {
        let order = json!({
            "name": format!("{prefix}-service-{index}"), "load_balancer_type": "lb11", "location": "fsn1",
            "network": network, "labels": {"hcloud-ccm/service-uid": format!("{prefix}-{index}")},
        });
        load_balancer::create(project, &order)?;
    }
    Ok(())
}

/// User data of every server, by name, as the cloud got them: the API itself never shows them. For whoever plays the hosts.
fn user_data(world: &World) -> Value {
    let servers = world.projects.values().flat_map(|project| project.all("servers"));
    servers
        .filter_map(|server| Some((server["name"].as_str()?.to_owned(), server["user_data"].clone())))
        .collect::<serde_json::Map<String, Value>>()
        .into()
}
