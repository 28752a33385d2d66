//! Primary and floating IPs. Addresses are from ranges reserved for benchmarks and documentation.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};

use super::{Outcome, created, no_content, ok, with, without};
use crate::catalog;
use crate::hosts::slot::Slice;
use crate::problem::Problem;
use crate::project::Project;

/// An IPv4 address for a resource: by its number, or, where hosts are real, the first of the lab's slice that is free.
fn choose_ipv4(project: &Project, id: u64) -> Result<String, Problem> {
    match &project.slice {
        Some(slice) => free_in(project, |place| slice.ipv4(place).to_string()),
        None => Ok(ipv4(id).to_string()),
    }
}

/// An IPv6 network for a resource, likewise.
fn choose_ipv6(project: &Project, id: u64) -> Result<String, Problem> {
    match &project.slice {
        Some(slice) => free_in(project, |place| format!("{}/64", slice.ipv6(place))),
        None => Ok(ipv6(id)),
    }
}

/// The first place of the project's slice whose address nobody has.
fn free_in(project: &Project, address: impl Fn(u16) -> String) -> Result<String, Problem> {
    let primary = ["primary_ips", "floating_ips"]
        .into_iter()
        .flat_map(|kind| project.all(kind))
        .filter_map(|ip| ip["ip"].as_str().map(str::to_owned));
    let balancers = project.all("load_balancers").flat_map(|balancer| {
        let ip = |kind: &str| balancer["public_net"][kind]["ip"].as_str();
        let network = ip("ipv6").and_then(|ip| ip.strip_suffix("::1"));
        [
            ip("ipv4").map(str::to_owned),
            network.map(|network| format!("{network}::/64")),
        ]
    });
    let taken: BTreeSet<String> = primary.chain(balancers.flatten()).collect();
    project
        .slice
        .iter()
        .flat_map(Slice::places)
        .map(address)
        .find(|address| !taken.contains(address))
        .ok_or_else(|| Problem::limit("primary_ip_limit"))
}

/// 198.18.0.0/15.
fn ipv4(id: u64) -> Ipv4Addr {
    let [.., b, c] = u32::try_from(id % 0x1_ffff).unwrap_or_default().to_be_bytes();
    Ipv4Addr::new(198, 18 + u8::from(id % 0x2_0000 > 0xffff), b, c)
}

/// `2001:db8::/32`, one /64 each.
fn ipv6(id: u64) -> String {
    let [high, low] = [(id >> 16) & 0xffff, id & 0xffff].map(|part| u16::try_from(part).unwrap_or_default());
    format!("{}/64", Ipv6Addr::new(0x2001, 0xdb8, high, low, 0, 0, 0, 0))
}

/// The assignee type of an address that nobody has.
fn free(project: &Project) -> &'static str {
    if project.changes.unassigned {
        "unassigned"
    } else {
        "server"
    }
}

fn insert(
    project: &mut Project,
    body: &Value,
    kind: &str,
    location: &Value,
    server: Option<u64>,
) -> Result<u64, Problem> {
    let assignee_type = if server.is_some() { "server" } else { free(project) };
    let fields = json!({
        "type": kind, "location": location, "blocked": false, "dns_ptr": [],
        "assignee_id": server, "assignee_type": assignee_type,
        "auto_delete": body["auto_delete"] == true,
    });
    let id = project.insert("primary_ips", body, fields);
    let ip = if kind == "ipv4" {
        choose_ipv4(project, id)?
    } else {
        choose_ipv6(project, id)?
    };
    if let Ok(resource) = project.get_mut("primary_ips", id) {
        resource["ip"] = json!(ip);
        if body["name"].is_null() {
            resource["name"] = json!(format!("primary_ip-{id}"));
        }
    }
    Ok(id)
}

/// Gives a new server its public addresses: those it asks for by number, or fresh ones that go with it.
pub(crate) fn give(project: &mut Project, server: u64, body: &Value) -> Result<(), Problem> {
    let location = project.get("servers", server)?["location"].clone();
    for kind in ["ipv4", "ipv6"] {
        if body["public_net"][format!("enable_{kind}")] == false {
            continue;
        }
        let id = match body["public_net"][kind].as_u64() {
            Some(id) => id,
            None => insert(
                project,
                &json!({"auto_delete": true}),
                kind,
                &location,
                Some(server),
            )?,
        };
        let ip = project.get_mut("primary_ips", id)?;
        ip["assignee_id"] = json!(server);
        ip["assignee_type"] = json!("server");
        // A server shows one reverse name for its IPv4 address and a list for its IPv6 network.
        let reverse = if kind == "ipv4" { json!("") } else { json!([]) };
        let shown = json!({"id": id, "ip": ip["ip"], "blocked": false, "dns_ptr": reverse});
        project.get_mut("servers", server)?["public_net"][kind] = shown;
    }
    Ok(())
}

/// A server goes: addresses made for it go, too; others are free again.
pub(crate) fn release_all(project: &mut Project, server: u64) {
    let free = free(project);
    let ips = project.kinds.entry("primary_ips".into()).or_default();
    ips.retain(|_, ip| !(ip["assignee_id"] == server && ip["auto_delete"] == true));
    for ip in ips.values_mut().filter(|ip| ip["assignee_id"] == server) {
        ip["assignee_id"] = Value::Null;
        ip["assignee_type"] = json!(free);
    }
}

pub(crate) fn create_primary(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("primary_ips", body)?;
    if project.count("primary_ips") >= project.limits.primary_ips {
        return Err(Problem::limit("primary_ip_limit"));
    }
    let location = catalog::location(&body["location"])
        .ok_or_else(|| Problem::invalid("location", "location not found"))?;
    let kind = body["type"].as_str().filter(|t| ["ipv4", "ipv6"].contains(t));
    let kind = kind
        .ok_or_else(|| Problem::invalid("type", "must be ipv4 or ipv6"))?
        .to_owned();
    let id = insert(project, body, &kind, &location, None)?;
    created(json!({"primary_ip": project.get("primary_ips", id)?, "action": null}))
}

pub(crate) fn delete_primary(project: &mut Project, id: u64) -> Outcome {
    if !project.get("primary_ips", id)?["assignee_id"].is_null() {
        return Err(Problem::new(
            422,
            "must_be_unassigned",
            "the primary IP is assigned",
        ));
    }
    project.remove("primary_ips", id);
    no_content()
}

pub(crate) fn act_primary(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    let ip = project.get("primary_ips", id)?.clone();
    let server = body["assignee_id"]
        .as_u64()
        .or_else(|| ip["assignee_id"].as_u64());
    let off = |server: u64| {
        project
            .get("servers", server)
            .is_ok_and(|server| server["status"] == "off")
    };
    match (verb, server) {
        ("assign" | "unassign", Some(server)) if !off(server) => {
            return Err(Problem::new(422, "server_not_stopped", "the server must be off"));
        }
        ("assign", Some(server)) => {
            let ip = project.get_mut("primary_ips", id)?;
            ip["assignee_id"] = json!(server);
            ip["assignee_type"] = json!("server");
        }
        ("unassign", _) => {
            let free = free(project);
            let ip = project.get_mut("primary_ips", id)?;
            ip["assignee_id"] = Value::Null;
            ip["assignee_type"] = json!(free);
        }
        _ => return Err(Problem::not_found("action")),
    }
    let action = project.start(&format!("{verb}_primary_ip"), &[("primary_ips", id)], Vec::new());
    ok(json!({"action": action}))
}

pub(crate) fn create_floating(project: &mut Project, body: &Value) -> Outcome {
    let location = catalog::location(&body["home_location"]);
    let location = location.ok_or_else(|| Problem::invalid("home_location", "location not found"))?;
    let fields = json!({
        "type": body["type"], "home_location": location, "server": body["server"], "blocked": false,
        "description": body["description"], "dns_ptr": [],
    });
    let id = project.insert("floating_ips", body, fields);
    let ip = choose_ipv4(project, id)?;
    project.get_mut("floating_ips", id)?["ip"] = json!(ip);
    if let Some(server) = body["server"].as_u64() {
        with(
            &mut project.get_mut("servers", server)?["public_net"]["floating_ips"],
            id,
        );
    }
    created(json!({"floating_ip": project.get("floating_ips", id)?, "action": null}))
}

pub(crate) fn delete_floating(project: &mut Project, id: u64) -> Outcome {
    let server = project.get("floating_ips", id)?["server"].as_u64();
    if let Some(server) = server.and_then(|server| project.get_mut("servers", server).ok()) {
        without(&mut server["public_net"]["floating_ips"], id);
    }
    project.remove("floating_ips", id);
    no_content()
}

/// The public addresses of a load balancer.
pub(crate) fn of_load_balancer(project: &Project, id: u64) -> Result<Value, Problem> {
    let (v4, v6) = (choose_ipv4(project, id)?, choose_ipv6(project, id)?);
    Ok(json!({
        "enabled": true,
        "ipv4": {"ip": v4, "dns_ptr": null},
        "ipv6": {"ip": v6.trim_end_matches("::/64").to_owned() + "::1", "dns_ptr": null},
    }))
}
