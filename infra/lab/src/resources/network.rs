//! Private networks: one range, subnets by zone, addresses the cloud chooses.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde_json::{Value, json};

use super::{Outcome, created, no_content, ok};
use crate::problem::Problem;
use crate::project::Project;

/// Most resources attached to a network.
const MAX_MEMBERS: usize = 100;
/// Most subnets of a network.
const MAX_SUBNETS: usize = 50;

pub(crate) fn create(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("networks", body)?;
    let range = parse_range(&body["ip_range"], "ip_range")?;
    if !range.network().is_private() || range.trunc() != range {
        return Err(Problem::invalid("ip_range", "must be a private network range"));
    }
    let subnets = body["subnets"].as_array().cloned().unwrap_or_default();
    let subnets = subnets
        .iter()
        .map(|subnet| check_subnet(range, subnet))
        .collect::<Result<Vec<_>, _>>()?;
    let fields = json!({
        "ip_range": range, "subnets": subnets, "routes": [], "servers": [], "load_balancers": [],
        "expose_routes_to_vswitch": false,
    });
    let id = project.insert("networks", body, fields);
    created(json!({"network": project.get("networks", id)?}))
}

fn parse_range(value: &Value, field: &str) -> Result<Ipv4Net, Problem> {
    value
        .as_str()
        .and_then(|t| t.parse().ok())
        .ok_or_else(|| Problem::invalid(field, "must be an IPv4 range"))
}

fn check_subnet(range: Ipv4Net, subnet: &Value) -> Result<Value, Problem> {
    let own = parse_range(&subnet["ip_range"], "subnets")?;
    if !range.contains(&own) {
        return Err(Problem::invalid(
            "subnets",
            "subnet is not part of the network range",
        ));
    }
    // One gateway serves all subnets: the network's first address.
    let gateway = range.hosts().next();
    Ok(json!({
        "type": subnet["type"], "ip_range": own, "network_zone": subnet["network_zone"], "gateway": gateway,
        "vswitch_id": null,
    }))
}

pub(crate) fn delete(project: &mut Project, id: u64) -> Outcome {
    let network = project.get("networks", id)?;
    if network["protection"]["delete"] == true {
        return Err(Problem::new(423, "protected", "network deletion is protected"));
    }
    if ["servers", "load_balancers"]
        .iter()
        .any(|k| network[*k].as_array().is_some_and(|a| !a.is_empty()))
    {
        return Err(Problem::in_use("network"));
    }
    project.remove("networks", id);
    no_content()
}

pub(crate) fn act(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    project
        .check_unlocked("networks", id)
        .map_err(|_| Problem::new(409, "conflict", "network is being changed"))?;
    let network = project.get_mut("networks", id)?;
    match verb {
        "add_subnet" => {
            let range = parse_range(&network["ip_range"], "ip_range")?;
            let subnet = check_subnet(range, body)?;
            let subnets = network["subnets"]
                .as_array_mut()
                .ok_or_else(|| Problem::not_found("subnets"))?;
            if subnets.len() >= MAX_SUBNETS {
                return Err(Problem::limit("subnet_limit"));
            }
            subnets.push(subnet);
        }
        "add_route" => {
            if let Some(routes) = network["routes"].as_array_mut() {
                routes.push(json!({"destination": body["destination"], "gateway": body["gateway"]}));
            }
        }
        "change_protection" => network["protection"] = json!({"delete": body["delete"] == true}),
        _ => return Err(Problem::not_found("action")),
    }
    let action = project.start(verb, &[("networks", id)], Vec::new());
    ok(json!({"action": action}))
}

/// The next free address in the network's subnet of a zone; the member is not yet recorded.
pub(crate) fn address(project: &Project, id: u64, zone: &Value) -> Result<Ipv4Addr, Problem> {
    let network = project.get("networks", id)?;
    let members = ["servers", "load_balancers"].map(|kind| network[kind].as_array().map_or(0, Vec::len));
    if members.iter().sum::<usize>() >= MAX_MEMBERS {
        return Err(Problem::limit("network_attached_resources"));
    }
    let subnets = network["subnets"].as_array().cloned().unwrap_or_default();
    let subnet = subnets.iter().find(|subnet| subnet["network_zone"] == *zone);
    let subnet =
        subnet.ok_or_else(|| Problem::new(422, "no_subnet_available", "no subnet in the network zone"))?;
    let taken: BTreeSet<String> = ["servers", "load_balancers"]
        .iter()
        .flat_map(|kind| project.all(kind))
        .flat_map(|member| member["private_net"].as_array().cloned().unwrap_or_default())
        .filter(|net| net["network"] == id)
        .filter_map(|net| net["ip"].as_str().map(str::to_owned))
        .collect();
    let range = parse_range(&subnet["ip_range"], "ip_range")?;
    // The first address is the gateway's.
    let free = range
        .hosts()
        .skip(1)
        .find(|address| !taken.contains(&address.to_string()));
    free.ok_or_else(|| Problem::new(422, "no_subnet_available", "the subnet is full"))
}
