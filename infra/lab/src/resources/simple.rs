//! Resources without verbs of their own: SSH keys, placement groups, certificates, snapshots.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

use super::{Outcome, created, no_content};
use crate::problem::Problem;
use crate::project::Project;

/// Most placement groups of a project.
const MAX_GROUPS: usize = 50;

pub(crate) fn create_ssh_key(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("ssh_keys", body)?;
    let key = body["public_key"].as_str().unwrap_or_default();
    let fingerprint = fingerprint(key).ok_or_else(|| Problem::invalid("public_key", "SSH key is invalid"))?;
    if project
        .all("ssh_keys")
        .any(|other| other["fingerprint"] == fingerprint.as_str())
    {
        return Err(Problem::not_unique("public_key"));
    }
    let id = project.insert(
        "ssh_keys",
        body,
        json!({"fingerprint": fingerprint, "public_key": key}),
    );
    created(json!({"ssh_key": project.get("ssh_keys", id)?}))
}

/// MD5 of the key's wire form, as the API shows it.
fn fingerprint(key: &str) -> Option<String> {
    key.parse::<ssh_key::PublicKey>().ok()?;
    let wire = STANDARD.decode(key.split_whitespace().nth(1)?).ok()?;
    let hex: Vec<String> = Md5::digest(wire)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    Some(hex.join(":"))
}

pub(crate) fn create_placement_group(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("placement_groups", body)?;
    if body["type"] != "spread" {
        return Err(Problem::invalid("type", "must be spread"));
    }
    if project.count("placement_groups") >= MAX_GROUPS {
        return Err(Problem::limit("placement_group_limit"));
    }
    let id = project.insert("placement_groups", body, json!({"type": "spread", "servers": []}));
    created(json!({"placement_group": project.get("placement_groups", id)?, "action": null}))
}

pub(crate) fn create_certificate(project: &mut Project, body: &Value) -> Outcome {
    project.check_new("certificates", body)?;
    let fields =
        json!({"type": "uploaded", "certificate": body["certificate"], "domain_names": [], "used_by": []});
    let id = project.insert("certificates", body, fields);
    created(json!({"certificate": project.get("certificates", id)?, "action": null}))
}

/// Removes a resource nothing else can hold on to, or that is empty.
pub(crate) fn delete(project: &mut Project, kind: &str, id: u64) -> Outcome {
    let resource = project.get(kind, id)?;
    if resource["protection"]["delete"] == true {
        return Err(Problem::new(423, "protected", "resource deletion is protected"));
    }
    if resource["servers"]
        .as_array()
        .is_some_and(|servers| !servers.is_empty())
    {
        return Err(Problem::in_use("placement group"));
    }
    project.remove(kind, id);
    no_content()
}
