//! Kits as text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use similar::TextDiff;
use sovereign_core::finding::Finding;
use sovereign_core::spec::KitProfile;
use sovereign_templates::kit::{Chart, Charts, Component, Kit};

use crate::kit::pack::Packed;
use crate::render::findings;
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;

/// The components, each after those it needs.
pub(crate) fn components(kit: &Kit) -> String {
    let mut table = Columns::new(["component", "version", "namespace", "profile", "needs", "about"]);
    for component in &kit.components {
        let file = &component.file;
        let mut name = component.name.clone();
        if file.seed {
            name.push('*');
        }
        table.row([
            name,
            version(component),
            file.namespace.clone(),
            file.profile.as_str().to_owned(),
            file.depends_on.join(" "),
            file.about.clone(),
        ]);
    }
    format!(
        "{}\n\n{} {}, for k3s {}; * is applied before Flux runs",
        table.render(""),
        kit.name,
        kit.version,
        kit.k3s
    )
}

/// What the kit says of itself, and of each component also what its file says for people.
pub(crate) fn json(kit: &Kit) -> Value {
    let mut value = json!(kit.manifest(&Charts::new()));
    for (component, said) in kit
        .components
        .iter()
        .zip(value["components"].as_array_mut().into_iter().flatten())
    {
        said["version"] = version(component).into();
        said["namespace"] = component.file.namespace.as_str().into();
        said["about"] = component.file.about.as_str().into();
    }
    value
}

fn version(component: &Component) -> String {
    match &component.file.chart {
        Some(Chart::Oci { version, .. }) => version.clone(),
        Some(Chart::Path { .. }) => "folder".to_owned(),
        None => "manifests".to_owned(),
    }
}

/// A kit without errors, with what else is to be said of it.
pub(crate) fn checked(kit: &Kit, all: &[Finding]) -> String {
    let good = format!(
        "{} {}: {} components, no error",
        kit.name,
        kit.version,
        kit.components.len()
    );
    let good = Stream::Out.paint(Tone::Good, &good);
    if all.is_empty() {
        return good;
    }
    format!("{}\n\n{good}", findings::render(all, Stream::Out))
}

/// Whether a file of the tree belongs to a profile.
pub(crate) fn is_of(kit: &Kit, path: &str, profile: KitProfile) -> bool {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["profiles", of, _] => *of == profile.as_str(),
        ["components", name, size, _] => {
            *size == profile.size()
                && kit
                    .component(name)
                    .is_some_and(|one| one.file.profile.is_in(profile))
        }
        _ => true,
    }
}

/// What differs between two trees, in the form of `diff -u`.
pub(crate) fn difference(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> String {
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut text = String::new();
    for path in paths {
        let (before, after) = (before.get(path), after.get(path));
        if before == after {
            continue;
        }
        let side = |letter: &str, there: bool| {
            if there {
                format!("{letter}/{path}")
            } else {
                "/dev/null".to_owned()
            }
        };
        let empty = String::new();
        let diff = TextDiff::from_lines(before.unwrap_or(&empty), after.unwrap_or(&empty));
        let (a, b) = (side("a", before.is_some()), side("b", after.is_some()));
        text.push_str(&diff.unified_diff().header(&a, &b).to_string());
    }
    text
}

/// What was packed.
pub(crate) fn packed(packed: &Packed) -> String {
    let mut table = Columns::new(["component", "version", "digest", "bytes", ""]).right(3);
    for chart in &packed.charts {
        table.row([
            chart.component.clone(),
            chart.version.clone(),
            chart.digest.to_string(),
            chart.bytes.to_string(),
            if chart.rendered {
                "as plain objects".to_owned()
            } else {
                String::new()
            },
        ]);
    }
    let mut facts = Columns::plain();
    facts.row(["kit", &format!("{} {}", packed.name, packed.version)]);
    facts.row(["digest", &packed.digest.to_string()]);
    facts.row([
        "file",
        &format!("{}, {} bytes", packed.archive.display(), packed.bytes),
    ]);
    facts.row(["its digest", &packed.sha256.to_string()]);
    facts.row(["lock", &packed.lock.display().to_string()]);
    format!("{}\n\n{}", table.render(""), facts.render(""))
}
