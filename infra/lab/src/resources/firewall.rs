//! Firewalls: rules over servers named or selected by label.

use serde_json::{Value, json};

use super::{Outcome, created, no_content, ok};
use crate::hosts::firewall::Rule;
use crate::problem::Problem;
use crate::project::Project;

/// Most rules of a firewall.
const MAX_RULES: usize = 50;

pub(crate) fn create(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("firewalls", body)?;
    let rules = check_rules(&body["rules"])?;
    let applied_to = body
        .get("apply_to")
        .cloned()
        .filter(Value::is_array)
        .unwrap_or_else(|| json!([]));
    let id = project.insert(
        "firewalls",
        body,
        json!({"rules": rules, "applied_to": applied_to}),
    );
    let action = project.start("set_firewall_rules", &[("firewalls", id)], Vec::new());
    created(json!({"firewall": project.get("firewalls", id)?, "actions": [action]}))
}

fn check_rules(rules: &Value) -> Result<Value, Problem> {
    let mut list = rules.as_array().cloned().unwrap_or_default();
    if list.len() > MAX_RULES {
        return Err(Problem::invalid("rules", "at most 50 rules"));
    }
    for rule in &mut list {
        Rule::read(rule).map_err(|why| Problem::invalid("rules", why))?;
        *rule = json!({
            "description": rule["description"], "direction": rule["direction"], "protocol": rule["protocol"],
            "port": rule["port"], "source_ips": ranges(&rule["source_ips"]),
            "destination_ips": ranges(&rule["destination_ips"]),
        });
    }
    Ok(Value::Array(list))
}

fn ranges(ips: &Value) -> Value {
    json!(ips.as_array().cloned().unwrap_or_default())
}

pub(crate) fn delete(project: &mut Project, id: u64) -> Outcome {
    let firewall = project.get("firewalls", id)?;
    if firewall["applied_to"]
        .as_array()
        .is_some_and(|applied| !applied.is_empty())
    {
        return Err(Problem::in_use("firewall"));
    }
    project.remove("firewalls", id);
    no_content()
}

pub(crate) fn act(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    let firewall = project.get_mut("firewalls", id)?;
    match verb {
        "set_rules" => firewall["rules"] = check_rules(&body["rules"])?,
        "apply_to_resources" => {
            let more = body["apply_to"].as_array().cloned().unwrap_or_default();
            if let Some(applied) = firewall["applied_to"].as_array_mut() {
                applied.extend(more);
            }
        }
        "remove_from_resources" => {
            let less = body["remove_from"].as_array().cloned().unwrap_or_default();
            if let Some(applied) = firewall["applied_to"].as_array_mut() {
                applied.retain(|entry| !less.contains(entry));
            }
        }
        _ => return Err(Problem::not_found("action")),
    }
    let action = project.start(&format!("{verb}_firewall"), &[("firewalls", id)], Vec::new());
    ok(json!({"actions": [action]}))
}
