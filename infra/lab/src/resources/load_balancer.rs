//! Load balancers: services, targets, and targets chosen by label.

use serde_json::{Value, json};

use super::{Outcome, address, created, network, ok, with, without};
use crate::action::Effect;
use crate::catalog;
use crate::hosts::balancer::show_health;
use crate::label_selector::LabelSelector;
use crate::problem::Problem;
use crate::project::Project;

pub(crate) fn create(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("load_balancers", body)?;
    if project.count("load_balancers") >= project.limits.load_balancers {
        return Err(Problem::limit("load_balancer_limit"));
    }
    let kind = catalog::load_balancer_type(&body["load_balancer_type"]);
    let kind = kind.ok_or_else(|| Problem::invalid("load_balancer_type", "load balancer type not found"))?;
    let location = catalog::locations()
        .into_iter()
        .find(|l| l["name"] == body["location"] || l["network_zone"] == body["network_zone"]);
    let location = location.ok_or_else(|| Problem::invalid("location", "location not found"))?;
    let private = body["network"]
        .as_u64()
        .map(|net| network::address(project, net, &location["network_zone"]).map(|ip| (net, ip)));
    let private = private.transpose()?;
    let targets = body
        .get("targets")
        .cloned()
        .filter(Value::is_array)
        .unwrap_or_else(|| json!([]));
    let uses_private = |target: &Value| target["use_private_ip"] == true;
    if private.is_none() && targets.as_array().is_some_and(|all| all.iter().any(uses_private)) {
        return Err(Problem::new(
            422,
            "load_balancer_not_attached_to_network",
            "use_private_ip needs a network",
        ));
    }
    let fields = json!({
        "load_balancer_type": kind, "location": location, "algorithm": body["algorithm"],
        "services": body.get("services").cloned().unwrap_or_else(|| json!([])), "targets": targets,
        "private_net": private.map_or_else(|| json!([]), |(net, ip)| json!([{"network": net, "ip": ip}])),
        "included_traffic": 21_990_232_555_520_u64, "ingoing_traffic": 0, "outgoing_traffic": 0,
    });
    let id = project.insert("load_balancers", body, fields);
    let public = address::of_load_balancer(project, id)?;
    project.get_mut("load_balancers", id)?["public_net"] = public;
    if let Some((net, _)) = private {
        with(&mut project.get_mut("networks", net)?["load_balancers"], id);
    }
    let action = project.start("create_load_balancer", &[("load_balancers", id)], Vec::new());
    created(json!({"load_balancer": shown(project, project.get("load_balancers", id)?), "action": action}))
}

/// A load balancer as the API shows it: the servers that a label selector chooses now are listed under it, and every
/// target has a status.
pub(crate) fn shown(project: &Project, lb: &Value) -> Value {
    let mut lb = lb.clone();
    for target in lb["targets"].as_array_mut().into_iter().flatten() {
        let selector = target["label_selector"]["selector"]
            .as_str()
            .and_then(|s| s.parse::<LabelSelector>().ok());
        if let Some(selector) = selector {
            let chosen = project
                .all("servers")
                .filter(|server| selector.matches(&server["labels"]));
            target["targets"] = chosen
                .map(|server| json!({"type": "server", "server": {"id": server["id"]}}))
                .collect();
        }
    }
    show_health(&mut lb);
    lb
}

pub(crate) fn delete(project: &mut Project, id: u64) -> Outcome {
    let lb = project.get("load_balancers", id)?;
    if lb["protection"]["delete"] == true {
        return Err(Problem::new(
            423,
            "protected",
            "load balancer deletion is protected",
        ));
    }
    project.check_unlocked("load_balancers", id)?;
    let gone = Effect::Remove {
        kind: "load_balancers".into(),
        id,
    };
    let action = project.start("delete_load_balancer", &[("load_balancers", id)], vec![gone]);
    ok(json!({"action": action}))
}

/// Takes a load balancer out of the networks that name it.
pub(crate) fn leave_networks(project: &mut Project, id: u64) {
    for net in project.kinds.entry("networks".into()).or_default().values_mut() {
        without(&mut net["load_balancers"], id);
    }
}

pub(crate) fn act(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    project.check_unlocked("load_balancers", id)?;
    let lb = project.get_mut("load_balancers", id)?;
    match verb {
        "add_target" => push(&mut lb["targets"], body),
        "remove_target" => {
            if let Some(targets) = lb["targets"].as_array_mut() {
                targets.retain(|t| {
                    t["server"] != body["server"] || t["label_selector"] != body["label_selector"]
                });
            }
        }
        "add_service" => {
            let taken = lb["services"]
                .as_array()
                .is_some_and(|s| s.iter().any(|s| s["listen_port"] == body["listen_port"]));
            if taken {
                return Err(Problem::new(
                    409,
                    "source_port_already_used",
                    "the port is served already",
                ));
            }
            push(&mut lb["services"], body);
        }
        "delete_service" => {
            if let Some(services) = lb["services"].as_array_mut() {
                services.retain(|service| service["listen_port"] != body["listen_port"]);
            }
        }
        "change_protection" => lb["protection"] = json!({"delete": body["delete"] == true}),
        _ => return Err(Problem::not_found("action")),
    }
    let action = project.start(verb, &[("load_balancers", id)], Vec::new());
    ok(json!({"action": action}))
}

fn push(list: &mut Value, entry: &Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(entry.clone());
    }
}
