//! Volumes: records with a size and, sometimes, a server.

use serde_json::{Value, json};

use super::{Outcome, created, no_content, ok, with, without};
use crate::catalog;
use crate::problem::Problem;
use crate::project::Project;

pub(crate) fn create(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("volumes", body)?;
    if project.count("volumes") >= project.limits.volumes {
        return Err(Problem::limit("volume_limit"));
    }
    if !body["size"]
        .as_u64()
        .is_some_and(|size| (10..=10_240).contains(&size))
    {
        return Err(Problem::invalid("size", "must be between 10 and 10240"));
    }
    let server = body["server"].as_u64();
    let location = match server {
        Some(server) => Some(project.get("servers", server)?["location"].clone()),
        None => catalog::location(&body["location"]),
    };
    let location = location.ok_or_else(|| Problem::invalid("location", "location not found"))?;
    let fields = json!({
        "size": body["size"], "server": server, "location": location, "status": "available",
        "format": body["format"], "linux_device": "",
    });
    let id = project.insert("volumes", body, fields);
    project.get_mut("volumes", id)?["linux_device"] = json!(format!("/dev/disk/by-id/scsi-0HC_Volume_{id}"));
    if let Some(server) = server {
        with(&mut project.get_mut("servers", server)?["volumes"], id);
    }
    let action = project.start("create_volume", &[("volumes", id)], Vec::new());
    created(json!({"volume": project.get("volumes", id)?, "action": action, "next_actions": []}))
}

pub(crate) fn delete(project: &mut Project, id: u64) -> Outcome {
    let volume = project.get("volumes", id)?;
    if volume["protection"]["delete"] == true {
        return Err(Problem::new(423, "protected", "volume deletion is protected"));
    }
    if !volume["server"].is_null() {
        return Err(Problem::in_use("volume"));
    }
    project.remove("volumes", id);
    no_content()
}

pub(crate) fn act(project: &mut Project, id: u64, verb: &str, body: &Value) -> Outcome {
    project.check_unlocked("volumes", id)?;
    let server = project.get("volumes", id)?["server"].as_u64();
    match (verb, server) {
        ("detach", Some(server)) => {
            project.get_mut("volumes", id)?["server"] = Value::Null;
            if let Ok(server) = project.get_mut("servers", server) {
                without(&mut server["volumes"], id);
            }
        }
        ("detach", None) => return Err(Problem::new(422, "unsupported_error", "volume is not attached")),
        ("attach", Some(_)) => {
            return Err(Problem::new(422, "volume_already_attached", "volume is attached"));
        }
        ("attach", None) => {
            let server = body["server"].as_u64().unwrap_or_default();
            with(&mut project.get_mut("servers", server)?["volumes"], id);
            project.get_mut("volumes", id)?["server"] = json!(server);
        }
        ("resize", _) => project.get_mut("volumes", id)?["size"] = body["size"].clone(),
        ("change_protection", _) => {
            project.get_mut("volumes", id)?["protection"] = json!({"delete": body["delete"] == true});
        }
        _ => return Err(Problem::not_found("action")),
    }
    let action = project.start(&format!("{verb}_volume"), &[("volumes", id)], Vec::new());
    ok(json!({"action": action}))
}
