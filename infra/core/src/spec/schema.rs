//! The document's JSON Schema, for editors. The parser is the judge; the schema accepts all that the parser accepts.

use serde_json::{Value, json};

use super::API_VERSION;
use crate::registrar::{RegistrarKind, credential_help};

/// JSON Schema (draft 2020-12) of a spec document.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Sovereign spec",
        "description": "What a Sovereign shall be. Holds references to secrets, never a secret.",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "name", "organization", "domain", "provider", "regions", "access"],
        "properties": {
            "apiVersion": {"const": API_VERSION},
            "name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{1,30}[a-z0-9]$", "description": "Unique name; part of every resource's name."},
            "organization": {
                "type": "object", "additionalProperties": false, "required": ["name", "email"],
                "properties": {"name": {"type": "string", "minLength": 1, "maxLength": 64}, "email": {"type": "string"}},
            },
            "domain": {"oneOf": [
                variant("pool", &["pool", "label"], &json!({"pool": {"type": "string"}, "label": {"type": "string"}})),
                variant("delegated", &["name"], &json!({"name": {"type": "string"}})),
                variant("registrar", &["name", "registrar"], &json!({
                    "name": {"type": "string"},
                    "registrar": credentials("The registrar, with the credential that it is asked with.", |kind| !kind.hosts_the_parent()),
                })),
                variant("childZone", &["name", "parent"], &json!({
                    "name": {"type": "string"}, "parent": {"type": "string"},
                    "host": credentials("Who hosts the parent zone, with the credential that it is asked with; by hand without.", RegistrarKind::hosts_the_parent),
                })),
                variant("none", &[], &json!({})),
            ]},
            "dns": dns(),
            "provider": {"oneOf": [
                {
                    "type": "object", "additionalProperties": false, "required": ["kind", "token"],
                    "properties": {
                        "kind": {"const": "hetzner"}, "token": {"$ref": "#/$defs/secret"},
                        "sovereignToken": {"$ref": "#/$defs/secret", "description": "Another token of the same project, which stays with the Sovereign when it is handed off."},
                    },
                },
                {
                    "type": "object", "additionalProperties": false, "required": ["kind", "key"],
                    "properties": {"kind": {"const": "machines"}, "user": {"type": "string", "default": "root"}, "key": {"$ref": "#/$defs/secret"}},
                },
            ]},
            "regions": {"type": "array", "minItems": 1, "items": {"oneOf": [cloud_region(), machine_region()]}},
            "access": {
                "type": "object", "additionalProperties": false, "required": ["sshKeys"],
                "properties": {
                    "sshKeys": texts("Public keys in OpenSSH form."),
                    "adminCidrs": {"type": "array", "items": {"type": "string"}, "description": "Ranges that may reach 22 and 6443."},
                },
            },
            "reach": {
                "type": "array", "items": {"type": "string", "examples": ["registry.acme.example:443"]},
                "description": "Hosts with their ports that every host has to reach before it is used.",
            },
            "kubernetes": {
                "type": "object", "additionalProperties": false,
                "properties": {
                    "version": {"type": "string", "pattern": "^v1\\.[0-9]+\\.[0-9]+\\+k3s[0-9]+$"},
                    "artifact": {
                        "type": "object", "additionalProperties": false,
                        "properties": {"url": {"type": "string"}, "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "file": {"type": "string"}},
                    },
                },
            },
            "kit": {"type": "object", "additionalProperties": false, "required": ["profile"], "properties": {"profile": {"enum": ["solo", "ha", "extended"]}}},
            "hardening": {
                "type": "object", "additionalProperties": false,
                "properties": {"unattendedUpgrades": {"type": "boolean"}, "fail2ban": {"type": "boolean"}, "hostFirewall": {"type": "boolean"}},
            },
        },
        "$defs": {"secret": {
            "description": "Where a secret is found.", "type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1,
            "properties": {"env": {"type": "string"}, "file": {"type": "string"}, "sealed": {"type": "string"}},
        }},
    })
}

fn credentials(what: &str, which: impl Fn(RegistrarKind) -> bool) -> Value {
    let kinds = RegistrarKind::ALL.into_iter().filter(|kind| which(*kind));
    json!({"description": what, "oneOf": kinds.map(credential).collect::<Vec<_>>()})
}

fn credential(kind: RegistrarKind) -> Value {
    let help = credential_help(kind);
    let mut properties = json!({"kind": {"const": kind}});
    for part in help.needs {
        properties[part.key] = if part.secret {
            json!({"$ref": "#/$defs/secret", "description": part.what})
        } else {
            json!({"type": "string", "description": part.what, "examples": [part.example]})
        };
    }
    let needs = help
        .needs
        .iter()
        .filter(|part| !part.optional)
        .map(|part| part.key);
    let required: Vec<&str> = std::iter::once("kind").chain(needs).collect();
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn texts(what: &str) -> Value {
    json!({"type": "array", "minItems": 1, "items": {"type": "string"}, "description": what})
}

fn dns() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["servers", "nameservers"],
        "description": "Who answers for the Sovereign's zone.",
        "properties": {
            "servers": {"type": "array", "minItems": 1, "items": {
                "type": "object", "additionalProperties": false, "required": ["url", "key"],
                "properties": {"url": {"type": "string", "description": "Address of a PowerDNS API."}, "key": {"$ref": "#/$defs/secret"}},
            }},
            "nameservers": texts("Host names of the name servers."),
            "secondaries": {"type": "array", "minItems": 1, "description": "Servers that have the zone from the first of `servers`, by transfer.", "items": {
                "type": "object", "additionalProperties": false, "required": ["address"], "dependentRequired": {"url": ["key"], "key": ["url"]},
                "properties": {
                    "address": {"type": "string", "description": "Where it answers and takes NOTIFY; with a port where that is not 53.", "examples": ["192.0.2.53"]},
                    "url": {"type": "string", "description": "Address of its API, if it is a PowerDNS that is to be set up."}, "key": {"$ref": "#/$defs/secret"},
                },
            }},
            "catalog": {"type": "string", "description": "Name of the catalog zone that tells the secondaries which zones there are (RFC 9432)."},
            "caa": {
                "type": "object", "additionalProperties": false, "required": ["issuers"],
                "description": "Who may issue certificates for names in the zone (CAA, RFC 8659).",
                "properties": {
                    "issuers": texts("Domain names of issuers, with their parameters behind `;`."),
                    "wildcardIssuers": {"type": "array", "items": {"type": "string"}, "description": "Who may issue certificates for wildcards: the same without, nobody where it is empty."},
                    "contact": {"type": "string", "pattern": "^(mailto:|https?://)", "description": "Where issuers report what they refused."},
                },
            },
        },
        "dependentRequired": {"catalog": ["secondaries"]},
    })
}

fn network() -> Value {
    let range = |default: &str| json!({"type": "string", "default": default, "examples": [default]});
    json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "mode": {"enum": ["private", "public"], "default": "private"},
            "cidr": range("10.0.0.0/16"), "subnet": range("10.0.1.0/24"),
            "pods": range("10.42.0.0/16"), "services": range("10.43.0.0/16"),
        },
    })
}

fn region_name() -> Value {
    json!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,11}$"})
}

/// A region of servers that a cloud makes.
fn cloud_region() -> Value {
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "locations", "controlPlane"],
        "properties": {
            "name": region_name(),
            "locations": texts("The cloud's locations, the preferred first."),
            "image": {"type": "string", "default": "ubuntu-24.04"},
            "network": network(),
            "controlPlane": group(&["count", "serverTypes"], &json!({"enum": [1, 3]}), false),
            "workers": {"type": "array", "items": group(&["name", "count", "serverTypes"], &json!({"type": "integer", "minimum": 0, "maximum": 500}), true)},
            "loadBalancer": {
                "type": "object", "additionalProperties": false, "required": ["types"],
                "properties": {"types": texts("Load balancer types, the preferred first.")},
            },
        },
    })
}

/// A region of machines that are there.
fn machine_region() -> Value {
    let machines = json!({"type": "array", "items": {
        "type": "object", "additionalProperties": false, "required": ["address"],
        "properties": {
            "address": {"type": "string"},
            "port": {"type": "integer", "minimum": 1, "maximum": 65535, "default": 22},
            "hostKey": {"type": "string", "description": "SSH host key in OpenSSH form; without, approving the plan trusts the key it shows."},
        },
    }});
    json!({
        "type": "object", "additionalProperties": false, "required": ["name", "controlPlane"],
        "properties": {
            "name": region_name(),
            "network": network(),
            "controlPlane": {"type": "object", "additionalProperties": false, "required": ["machines"], "properties": {"machines": machines}},
            "workers": {"type": "array", "items": {
                "type": "object", "additionalProperties": false, "required": ["name", "machines"],
                "properties": {"name": {"type": "string", "pattern": "^[a-z][a-z0-9-]{0,15}$"}, "machines": machines},
            }},
        },
    })
}

fn variant(mode: &str, required: &[&str], properties: &Value) -> Value {
    let mut properties = properties.clone();
    properties["mode"] = json!({"const": mode});
    let required: Vec<&str> = std::iter::once("mode").chain(required.iter().copied()).collect();
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}

fn group(required: &[&str], count: &Value, named: bool) -> Value {
    let texts = json!({"type": "array", "minItems": 1, "items": {"type": "string"}});
    let mut properties =
        json!({"count": count, "serverTypes": texts, "locations": texts, "image": {"type": "string"}});
    if named {
        properties["name"] = json!({"type": "string", "pattern": "^[a-z][a-z0-9-]{0,15}$"});
    }
    json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
}
