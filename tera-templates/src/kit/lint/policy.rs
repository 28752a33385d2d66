//! What every component keeps to.

use std::collections::BTreeSet;

use sovereign_core::kit::{Membership, ROOT};

use super::{Found, View};
use crate::kit::{Component, Object};

pub(super) fn check(view: &View, found: &mut Found) {
    for component in &view.kit.components {
        of(view, component, found);
    }
    let mut seen = BTreeSet::new();
    for secret in &view.kit.secrets {
        if !seen.insert((&secret.namespace, &secret.name)) {
            let message = format!("the secret `{}/{}` is there twice", secret.namespace, secret.name);
            found.error("kit.secret", "", message, "leave one, with the keys of both");
        }
    }
}

fn of(view: &View, component: &Component, found: &mut Found) {
    let (name, file) = (component.name.as_str(), &component.file);
    let mut error = |code: &str, message: String, remedy: &str| found.error(code, name, message, remedy);
    let is_label = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    // A longer name is too long for the release of a chart.
    if name.len() > 53 || !name.chars().all(is_label) || name.starts_with('-') || name.ends_with('-') {
        error(
            "kit.name",
            format!("`{name}` names no release"),
            "use up to 53 of a-z, 0-9 and hyphens",
        );
    }
    if name == ROOT {
        error(
            "kit.name",
            format!("`{ROOT}` is the name of the root"),
            "give it another name",
        );
    }
    if file.chart.is_none()
        && component
            .sizes()
            .iter()
            .any(|&size| component.manifests(size).is_empty())
    {
        error(
            "kit.empty",
            "it has neither a chart nor manifests".into(),
            "give it one of them",
        );
    }
    if file.proofs.is_empty() {
        error(
            "kit.proof",
            "nothing proves that it runs".into(),
            "name under `proofs` what shows it",
        );
    }
    if !is_duration(&file.timeout) {
        error(
            "kit.timeout",
            format!("`{}` is no duration", file.timeout),
            "write it like `10m`",
        );
    }
    if file.seed && file.prune {
        error(
            "kit.prune",
            "it is a seed, and Flux may remove what it made".into(),
            "write `prune: false`: everything else stands on it",
        );
    }
    for needed in file.depends_on.iter().filter_map(|name| view.kit.component(name)) {
        if file.seed && !needed.file.seed {
            error(
                "kit.seed",
                format!("it is a seed and depends on `{}`, which is none", needed.name),
                "Flux does not run yet when seeds are applied: make both seeds, or neither",
            );
        }
        if file.profile == Membership::Core && needed.file.profile == Membership::Extended {
            error(
                "kit.profile",
                format!(
                    "it is in every profile and depends on `{}`, which is not",
                    needed.name
                ),
                "make that one `profile: core`, or this one `profile: extended`",
            );
        }
    }
    let seeded = view
        .parts(component)
        .filter(|_| file.seed)
        .flat_map(|part| &part.tree)
        .map(Object);
    for object in seeded.filter(|object| object.hook().is_some()) {
        error(
            "kit.hook",
            format!(
                "{} is a hook or test of Helm, and a seed is applied without Helm",
                object.identity()
            ),
            "switch it off in the chart's values",
        );
    }
}

fn is_duration(text: &str) -> bool {
    let number = text.strip_suffix(['s', 'm', 'h']);
    number.is_some_and(|number| number.parse::<u32>().is_ok_and(|number| number > 0))
}
