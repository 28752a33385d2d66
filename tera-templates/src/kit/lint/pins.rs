//! Charts: from where, and exactly which.

use super::{Found, View};
use crate::kit::Chart;

pub(super) fn check(view: &View, found: &mut Found) {
    for component in &view.kit.components {
        let name = component.name.as_str();
        let Some(Chart::Oci { oci, version, digest }) = &component.file.chart else {
            continue;
        };
        if !is_place(oci) {
            let remedy = "write host and repository alone, like `oci://quay.io/jetstack/charts/cert-manager`";
            found.error(
                "kit.chart",
                name,
                format!("`{oci}` is no place of a chart"),
                remedy,
            );
        }
        if !is_exact(version) {
            let message = format!("version `{version}` of the chart may be another one tomorrow");
            found.error(
                "kit.floating",
                name,
                message,
                "write the whole version, like `1.2.3`",
            );
        }
        if let Some(digest) = digest.as_ref().filter(|digest| !is_digest(digest)) {
            let remedy = "write `sha256:` and 64 lower-case hex digits";
            found.error("kit.chart", name, format!("`{digest}` is no digest"), remedy);
        }
    }
}

/// Whether a component's chart is fetched.
pub(super) fn is_from_registry(view: &View, component: &str) -> bool {
    let chart = view
        .kit
        .component(component)
        .and_then(|one| one.file.chart.as_ref());
    matches!(chart, Some(Chart::Oci { .. }))
}

fn is_place(oci: &str) -> bool {
    let place = oci.strip_prefix("oci://").and_then(|place| place.split_once('/'));
    place.is_some_and(|(host, repository)| {
        !host.is_empty() && !repository.is_empty() && !repository.contains([':', '@', ' '])
    })
}

fn is_digest(digest: &str) -> bool {
    let is_hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
    digest
        .strip_prefix("sha256:")
        .is_some_and(|hex| hex.len() == 64 && hex.chars().all(is_hex))
}

/// Three numbers, perhaps with a `v` in front and a pre-release or build behind.
pub(super) fn is_exact(version: &str) -> bool {
    let core = version.split(['-', '+']).next().unwrap_or_default();
    let numbers: Vec<_> = core.strip_prefix('v').unwrap_or(core).split('.').collect();
    let number = |text: &&str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+');
    numbers.len() == 3 && numbers.iter().all(number) && version.chars().all(plain)
}
