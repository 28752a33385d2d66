//! Servers: records that start, stop and go; the checks are the vendor's.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Outcome, address, created, ids, network, ok, with, without};
use crate::action::Effect;
use crate::catalog;
use crate::machine::Machine;
use crate::problem::Problem;
use crate::project::Project;

/// Most bytes of user data, as sent.
const MAX_USER_DATA: usize = 32_768;
/// Most servers of a spread placement group.
const MAX_GROUP: usize = 10;
/// Most firewalls of a server.
const MAX_FIREWALLS: usize = 5;

pub(crate) fn create(project: &mut Project, body: &Value) -> Outcome {
    let order = check(project, body)?;
    let fields = json!({
        "status": "initializing",
        "server_type": order.server_type,
        "location": order.location,
        "image": order.image,
        "iso": null, "rescue_enabled": false, "locked": false, "backup_window": null,
        "outgoing_traffic": 0, "ingoing_traffic": 0, "included_traffic": 21_990_232_555_520_u64,
        "protection": {"delete": false, "rebuild": false},
        "volumes": [], "primary_disk_size": order.server_type["disk"], "load_balancers": [],
        "public_net": {"ipv4": null, "ipv6": null, "floating_ips": [], "firewalls": []},
        "private_net": [],
        "placement_group": null,
        "user_data": body["user_data"],
    });
    let id = project.insert("servers", body, fields);
    if project.changes.datacenter_fields {
        let name = order.location["name"].as_str().unwrap_or_default().to_owned();
        project.get_mut("servers", id)?["datacenter"] = datacenter(&name, &order.location);
    }
    if let Err(refused) = address::give(project, id, body) {
        detach_all(project, id);
        project.remove("servers", id);
        return Err(refused);
    }
    attach(project, id, body, &order.location["network_zone"])?;
    join(project, id, body)?;
    let wish = give_machine(project, id, body);
    let create = project.start_awaiting("create_server", id, Vec::new(), wish);
    let start = if wish.is_some() {
        project.start_awaiting("start_server", id, Vec::new(), wish)
    } else {
        let running = Effect::Set {
            kind: "servers".into(),
            id,
            fields: json!({"status": "running"}),
        };
        let span = Duration::from_secs_f64(project.create_seconds * project.mischief.slow.unwrap_or(1.0));
        project.start_taking("start_server", &[("servers", id)], vec![running], span)
    };
    let password = ids(&body["ssh_keys"]).is_empty().then_some("lab-root-password");
    created(json!({
        "server": shown(project.get("servers", id)?),
        "action": create,
        "next_actions": [start],
        "root_password": password,
    }))
}

/// A machine for a new server, where there is a host side; returns the number of the wish that it runs.
fn give_machine(project: &mut Project, id: u64, body: &Value) -> Option<u64> {
    if project.slice.is_none() || project.mischief.action_error.is_some() {
        return None;
    }
    let machine = Machine::new(public_keys(project, body), project.mischief.host.clone());
    let wish = machine.wished;
    project.machines.insert(id, machine);
    Some(wish)
}

/// The keys that a request names, as OpenSSH writes them.
fn public_keys(project: &Project, body: &Value) -> Vec<String> {
    let named = ids(&body["ssh_keys"]).into_iter();
    let keys = named.filter_map(|id| project.get("ssh_keys", id).ok()?["public_key"].as_str());
    keys.map(str::to_owned).collect()
}

struct Order {
    server_type: Value,
    location: Value,
    image: Value,
}

fn check(project: &Project, body: &Value) -> Result<Order, Problem> {
    project.check_new("servers", body)?;
    let server_type = catalog::server_type(&body["server_type"])
        .ok_or_else(|| Problem::invalid("server_type", "server type not found"))?;
    let location = match body.get("location").filter(|l| !l.is_null()) {
        Some(wanted) => catalog::location(wanted),
        None => catalog::location(&json!("fsn1")),
    };
    let location = location.ok_or_else(|| Problem::invalid("location", "location not found"))?;
    let place = (
        server_type["name"].as_str().unwrap_or_default(),
        location["name"].as_str().unwrap_or_default(),
    );
    let offered = server_type["locations"]
        .as_array()
        .is_some_and(|l| l.iter().any(|l| l["name"] == place.1));
    if !offered || project.sold_out.contains(&format!("{}@{}", place.0, place.1)) {
        return Err(Problem::new(
            412,
            "resource_unavailable",
            "error during placement: server type is unavailable",
        ));
    }
    let image = catalog::images().into_iter().find(|i| {
        i["id"] == body["image"]
            || (i["name"] == body["image"] && i["architecture"] == server_type["architecture"])
    });
    let image = image.ok_or_else(|| Problem::invalid("image", "image not found"))?;
    if image["architecture"] != server_type["architecture"] {
        return Err(Problem::invalid("image", "image is of another architecture"));
    }
    if body["user_data"]
        .as_str()
        .is_some_and(|data| data.len() > MAX_USER_DATA)
    {
        return Err(Problem::invalid(
            "user_data",
            "Length must be between 0 and 32768.",
        ));
    }
    check_limits(project, body)?;
    Ok(Order {
        server_type,
        location,
        image,
    })
}

fn check_limits(project: &Project, body: &Value) -> Result<(), Problem> {
    if project.count("servers") >= project.limits.servers {
        return Err(Problem::limit("server_limit"));
    }
    if project.count("primary_ips") + 2 > project.limits.primary_ips {
        return Err(Problem::limit("primary_ip_limit"));
    }
    let firewalls = body["firewalls"].as_array().map_or(0, Vec::len);
    if firewalls > MAX_FIREWALLS {
        return Err(Problem::invalid("firewalls", "at most 5 firewalls"));
    }
    for key in ids(&body["ssh_keys"]) {
        project
            .get("ssh_keys", key)
            .map_err(|_| Problem::invalid("ssh_keys", "SSH key not found"))?;
    }
    for firewall in body["firewalls"].as_array().into_iter().flatten() {
        let id = firewall["firewall"].as_u64().unwrap_or_default();
        project
            .get("firewalls", id)
            .map_err(|_| Problem::invalid("firewalls", "firewall not found"))?;
    }
    if let Some(group) = body["placement_group"].as_u64() {
        let group = project.get("placement_groups", group)?;
        if ids(&group["servers"]).len() >= MAX_GROUP {
            return Err(Problem::new(
                422,
                "placement_error",
                "the placement group is full",
            ));
        }
    }
    Ok(())
}

fn attach(project: &mut Project, id: u64, body: &Value, zone: &Value) -> Result<(), Problem> {
    if project.mischief.no_private_nic {
        return Ok(());
    }
    for net in ids(&body["networks"]) {
        let refused = match network::address(project, net, zone) {
            Ok(ip) => {
                let nic = json!({
                    "network": net, "ip": ip, "alias_ips": [],
                    "mac_address": format!("86:00:00:{:02x}:{:02x}:{:02x}", (id >> 16) & 255, (id >> 8) & 255, id & 255),
                });
                if let Some(nics) = project.get_mut("servers", id)?["private_net"].as_array_mut() {
                    nics.push(nic);
                }
                with(&mut project.get_mut("networks", net)?["servers"], id);
                continue;
            }
            Err(problem) => problem,
        };
        detach_all(project, id);
        project.remove("servers", id);
        return Err(refused);
    }
    Ok(())
}

fn join(project: &mut Project, id: u64, body: &Value) -> Result<(), Problem> {
    if let Some(group) = body["placement_group"].as_u64() {
        with(&mut project.get_mut("placement_groups", group)?["servers"], id);
        let shown = project.get("placement_groups", group)?.clone();
        project.get_mut("servers", id)?["placement_group"] = shown;
    }
    for firewall in body["firewalls"].as_array().cloned().into_iter().flatten() {
        let firewall = firewall["firewall"].as_u64().unwrap_or_default();
        if let Some(applied) = project.get_mut("firewalls", firewall)?["applied_to"].as_array_mut() {
            applied.push(json!({"type": "server", "server": {"id": id}}));
        }
    }
    Ok(())
}

/// A server as the API shows it: user data is never shown.
pub(crate) fn shown(server: &Value) -> Value {
    let mut server = server.clone();
    if let Some(fields) = server.as_object_mut() {
        fields.remove("user_data");
    }
    server
}

fn datacenter(name: &str, location: &Value) -> Value {
    json!({
        "id": 4, "name": format!("{name}-dc14"), "description": name, "location": location,
        "server_types": {"supported": [], "available": [], "available_for_migration": []},
    })
}

pub(crate) fn delete(project: &mut Project, id: u64) -> Outcome {
    if project.get("servers", id)?["protection"]["delete"] == true {
        return Err(Problem::new(423, "protected", "server deletion is protected"));
    }
    project.check_unlocked("servers", id)?;
    let gone = Effect::Remove {
        kind: "servers".into(),
        id,
    };
    let wish = project.wish(id, |machine| machine.deleted = true);
    let action = project.start_awaiting("delete_server", id, vec![gone], wish);
    project.get_mut("servers", id)?["status"] = json!("deleting");
    ok(json!({"action": action}))
}

/// Takes a server out of everything that names it.
pub(crate) fn detach_all(project: &mut Project, id: u64) {
    for kind in ["networks", "placement_groups"] {
        for resource in project.kinds.entry(kind.into()).or_default().values_mut() {
            without(&mut resource["servers"], id);
        }
    }
    for kind in ["firewalls", "load_balancers"] {
        let field = if kind == "firewalls" {
            "applied_to"
        } else {
            "targets"
        };
        for resource in project.kinds.entry(kind.into()).or_default().values_mut() {
            if let Some(list) = resource[field].as_array_mut() {
                list.retain(|entry| entry["server"]["id"] != id);
            }
        }
    }
    for kind in ["volumes", "floating_ips"] {
        for resource in project.kinds.entry(kind.into()).or_default().values_mut() {
            if resource["server"] == id {
                resource["server"] = Value::Null;
            }
        }
    }
    address::release_all(project, id);
}

pub(crate) fn act(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    project.get("servers", id)?;
    project.check_unlocked("servers", id)?;
    let status = match verb {
        "poweron" | "reboot" | "reset" | "rebuild" => Some("running"),
        "poweroff" | "shutdown" => Some("off"),
        "change_protection" => {
            let protected = body["delete"] == true;
            project.get_mut("servers", id)?["protection"] =
                json!({"delete": protected, "rebuild": protected});
            None
        }
        "enable_rescue" | "disable_rescue" => {
            project.get_mut("servers", id)?["rescue_enabled"] = json!(verb == "enable_rescue");
            let keys = (verb == "enable_rescue").then(|| public_keys(project, body));
            project.wish(id, |machine| machine.rescue = keys);
            None
        }
        "create_image" => return snapshot(project, id, body),
        _ => return Err(Problem::not_found("action")),
    };
    if verb == "rebuild" && body["user_data"].is_string() {
        project.get_mut("servers", id)?["user_data"] = body["user_data"].clone();
    }
    let wish = project.wish(id, |machine| machine.press(verb));
    let effects = status.filter(|_| wish.is_none()).map(|status| Effect::Set {
        kind: "servers".into(),
        id,
        fields: json!({"status": status}),
    });
    let command = if verb == "poweron" { "start_server" } else { verb };
    let action = project.start_awaiting(command, id, effects.into_iter().collect(), wish);
    ok(json!({"action": action, "root_password": (verb == "enable_rescue").then_some("lab-rescue-password")}))
}

fn snapshot(project: &mut Project, id: u64, body: &Value) -> Outcome {
    let server = project.get("servers", id)?.clone();
    let fields = json!({
        "type": "snapshot", "status": "available", "name": null, "description": body["description"],
        "image_size": 2.3, "disk_size": server["primary_disk_size"], "bound_to": null, "deprecated": null,
        "created_from": {"id": id, "name": server["name"]}, "os_flavor": "ubuntu", "os_version": "24.04",
        "architecture": server["server_type"]["architecture"], "deleted": null,
    });
    let image = project.insert("images", body, fields);
    let action = project.start("create_image", &[("servers", id), ("images", image)], Vec::new());
    created(json!({"image": project.get("images", image)?, "action": action}))
}
