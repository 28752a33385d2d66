//! Tags that mean another thing tomorrow.

use serde_json::Value;
use sovereign_core::finding::Severity;

use super::pins::is_exact;
use super::{Found, View};

const MOVING: [&str; 8] = [
    "latest", "main", "master", "edge", "stable", "nightly", "dev", "rolling",
];
const REMEDY: &str = "name a version or, better, a digest";

pub(super) fn check(view: &View, found: &mut Found) {
    for component in &view.kit.components {
        for &size in component.sizes() {
            tags(&component.values(size), &component.name, found);
        }
    }
    for part in &view.rendering.parts {
        for (object, severity) in part.weighed() {
            images(object.0, severity, &part.component, found);
            if object.is("fluxcd.controlplane.io", "FluxInstance") {
                flux(object.0, &part.component, found);
            }
        }
    }
}

/// `tag` and `image` in values.
fn tags(value: &Value, component: &str, found: &mut Found) {
    each(value, &mut |key, text| {
        let moves = (key == "tag" && is_moving(text)) || (key == "image" && tag(text).is_some_and(is_moving));
        if moves {
            let message = format!("the value `{key}: {text}` may be another thing tomorrow");
            found.error("kit.floating", component, message, REMEDY);
        }
    });
}

/// `image` in objects.
fn images(object: &Value, severity: Severity, component: &str, found: &mut Found) {
    each(object, &mut |key, text| {
        let is_image = key == "image" && !text.is_empty() && !text.contains(' ');
        if is_image && !text.contains('@') && tag(text).is_none_or(is_moving) {
            let message = format!("the image `{text}` may be another one tomorrow");
            found.push(severity, "kit.floating", component, message, REMEDY);
        }
    });
}

fn flux(object: &Value, component: &str, found: &mut Found) {
    let version = object["spec"]["distribution"]["version"]
        .as_str()
        .unwrap_or_default();
    if !is_exact(version) {
        let message = format!("version `{version}` of Flux may be another one tomorrow");
        found.error(
            "kit.floating",
            component,
            message,
            "write the whole version, like `2.9.4`",
        );
    }
}

fn tag(image: &str) -> Option<&str> {
    let name = image.rsplit('/').next().unwrap_or(image);
    name.split_once(':').map(|(_, tag)| tag)
}

fn is_moving(tag: &str) -> bool {
    MOVING.contains(&tag)
}

/// Every text with the key that it stands under.
pub(super) fn each(value: &Value, look: &mut impl FnMut(&str, &str)) {
    under("", value, look);
}

fn under(key: &str, value: &Value, look: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => look(key, text),
        Value::Array(items) => items.iter().for_each(|item| under(key, item, look)),
        Value::Object(map) => map.iter().for_each(|(key, value)| under(key, value, look)),
        _ => {}
    }
}
