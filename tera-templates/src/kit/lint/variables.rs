//! Variables: declared, written as they have to be, used.

use std::collections::BTreeMap;

use sovereign_core::finding::Severity;
use sovereign_core::kit::{DIGEST, PROFILE, ROOT_FILE, SubstituteError, substitute};

use super::{Found, View};

pub(super) fn check(view: &View, found: &mut Found) {
    let declared = &view.kit.variables;
    let name = |name: &str| (name.to_owned(), name.to_owned());
    let values: BTreeMap<_, _> = declared.keys().map(|one| name(one)).collect();
    for (path, text) in &view.rendering.files {
        let mut values = values.clone();
        if path == ROOT_FILE {
            values.extend([name(DIGEST), name(PROFILE)]);
        }
        let component = path.split('/').nth(1).unwrap_or_default();
        match substitute(text, &values) {
            Ok(_) => {}
            Err(error @ SubstituteError::Unknown(_)) => {
                let remedy =
                    "declare them under `variables` in `kit.yaml`, or write `$${` for what is no variable";
                found.error("kit.variable", component, error.to_string(), remedy);
            }
            Err(error @ SubstituteError::Malformed(_)) => {
                let remedy = "defaults and other functions of the shell are not for a kit";
                found.error("kit.variable", component, error.to_string(), remedy);
            }
        }
    }
    let is_used = |name: &str| {
        let written = format!("${{{name}}}");
        view.rendering.files.values().any(|text| text.contains(&written))
    };
    for name in declared.keys().filter(|name| !is_used(name)) {
        found.push(
            Severity::Warning,
            "kit.variable",
            "",
            format!("nothing uses the variable `{name}`"),
            "take it out, or use it",
        );
    }
}
