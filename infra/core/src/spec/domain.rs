//! The domain mode and its names.

use super::Domain;
use super::reader::{At, Reader};
use super::registrar::{Role, credential};
use crate::registrar::{RegistrarKind, credential_example};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pool,
    Delegated,
    Registrar,
    ChildZone,
    None,
}

const MODES: [(&str, Mode); 5] = [
    ("pool", Mode::Pool),
    ("delegated", Mode::Delegated),
    ("registrar", Mode::Registrar),
    ("childZone", Mode::ChildZone),
    ("none", Mode::None),
];

pub(super) fn domain(reader: &mut Reader, root: &At<'_>) -> Option<Domain> {
    let at = reader.need(root, "domain", "{mode: none}")?;
    reader.group(&at, &["mode"])?;
    let mode = reader
        .need(&at, "mode", "pool")
        .and_then(|at| reader.word(&at, &MODES))?;
    match mode {
        Mode::Pool => {
            reader.keys(&at, &["mode", "pool", "label"])?;
            let pool = name(reader, &at, "pool", "sovereigns.example");
            let label = reader
                .need(&at, "label", "acme")
                .and_then(|at| label(reader, &at));
            Some(Domain::Pool {
                pool: pool?,
                label: label?,
            })
        }
        Mode::Delegated => {
            reader.keys(&at, &["mode", "name"])?;
            Some(Domain::Delegated {
                name: name(reader, &at, "name", "platform.acme.example")?,
            })
        }
        Mode::Registrar => {
            reader.keys(&at, &["mode", "name", "registrar"])?;
            let own = name(reader, &at, "name", "acme.example");
            let registrar = reader
                .need(&at, "registrar", &credential_example(RegistrarKind::Gandi))
                .and_then(|at| credential(reader, &at, Role::Registrar));
            Some(Domain::Registrar {
                name: own?,
                registrar: registrar?,
            })
        }
        Mode::ChildZone => {
            reader.keys(&at, &["mode", "name", "parent", "host"])?;
            let own = name(reader, &at, "name", "platform.acme.example");
            let parent = name(reader, &at, "parent", "acme.example");
            let host = match at.get("host") {
                Some(at) => credential(reader, &at, Role::Host).map(Some),
                None => Some(None),
            };
            let (own, parent) = (own?, parent?);
            if !own.ends_with(&format!(".{parent}")) {
                reader.error(
                    &at,
                    "domain.child",
                    format!("`{own}` does not lie below `{parent}`"),
                    format!("write a name that ends in `.{parent}`"),
                );
                return None;
            }
            Some(Domain::ChildZone {
                name: own,
                parent,
                host: host?,
            })
        }
        Mode::None => {
            reader.keys(&at, &["mode"])?;
            Some(Domain::None)
        }
    }
}

fn name(reader: &mut Reader, at: &At<'_>, key: &str, example: &str) -> Option<String> {
    let at = reader.need(at, key, example)?;
    host_name(reader, &at)
}

/// A fully qualified name in lower case, without a trailing dot.
pub(super) fn host_name(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    let problem = if !text.is_ascii() {
        Some("has characters outside ASCII")
    } else if text.ends_with('.') {
        Some("ends in a dot")
    } else if text.len() > 200 {
        Some("is too long for the names that go below it")
    } else if text.split('.').count() < 2 {
        Some("has a single label")
    } else if !text.split('.').all(is_label) {
        Some("has a label that is empty, longer than 63, or not of a-z, 0-9 and inner hyphens")
    } else {
        None
    };
    if let Some(problem) = problem {
        let remedy =
            "write it in lower case without a trailing dot; international names in their `xn--` form";
        reader.error(at, "domain.name", format!("`{text}` {problem}"), remedy);
        return None;
    }
    Some(text.to_owned())
}

fn label(reader: &mut Reader, at: &At<'_>) -> Option<String> {
    let text = reader.text(at)?;
    if !is_label(text) {
        reader.error(
            at,
            "domain.label",
            format!("`{text}` is not a DNS label"),
            "use 1 to 63 of a-z, 0-9 and inner hyphens, without dots",
        );
        return None;
    }
    Some(text.to_owned())
}

/// RFC 1035 with the digits of RFC 1123, lower case.
pub(super) fn is_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}
