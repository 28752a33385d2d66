//! The rules of the house plan: which room may enter which, and which third-party crates stay behind a wall.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};

/// Rooms a room may enter; arrows go down only.
const MAY_ENTER: &[(&str, &[&str])] = &[
    ("sovereign-core", &[]),
    ("sovereign-cloud", &["sovereign-core"]),
    ("sovereign-dns", &["sovereign-core"]),
    ("sovereign-remote", &["sovereign-core"]),
    ("sovereign-lab", &["sovereign-core"]),
    ("sovereign-templates", &["sovereign-core"]),
    ("sovereign-images", &["sovereign-core"]),
    (
        "sovereign-agent",
        &["sovereign-core", "sovereign-remote", "sovereign-images"],
    ),
    ("sovereign-engine", &["sovereign-core"]),
    ("sovereign-store", &["sovereign-core", "sovereign-engine"]),
    (
        "sovereign-bootstrap",
        &[
            "sovereign-core",
            "sovereign-engine",
            "sovereign-cloud",
            "sovereign-dns",
            "sovereign-remote",
            "sovereign-images",
            "sovereign-templates",
        ],
    ),
    (
        "sovereign",
        &[
            "sovereign-core",
            "sovereign-engine",
            "sovereign-store",
            "sovereign-bootstrap",
            "sovereign-cloud",
            "sovereign-dns",
            "sovereign-remote",
            "sovereign-templates",
            "sovereign-images",
            "sovereign-lab",
        ],
    ),
    ("sovereign-tests", &[]),
];

/// Third-party crates that only these rooms may use outside their tests.
const WALLS: &[(&str, &[&str])] = &[
    ("sqlx", &["sovereign-store"]),
    ("tera", &["sovereign-templates"]),
    ("russh", &["sovereign-remote"]),
    ("hickory-resolver", &["sovereign-dns", "sovereign-lab"]),
    ("hickory-proto", &["sovereign-dns", "sovereign-lab"]),
    ("hcloud", &[]),
    (
        "axum",
        &[
            "sovereign",
            "sovereign-agent",
            "sovereign-lab",
            "sovereign-images",
        ],
    ),
    (
        "reqwest",
        &[
            "sovereign-cloud",
            "sovereign-dns",
            "sovereign-remote",
            "sovereign-images",
            "sovereign-lab",
        ],
    ),
    ("oci-spec", &["sovereign-images"]),
    ("oci-client", &[]),
    ("p256", &["sovereign-images"]),
    ("tar", &["sovereign-images"]),
    (
        "rcgen",
        &["sovereign-remote", "sovereign-images", "sovereign-lab"],
    ),
    (
        "rustls",
        &[
            "sovereign-remote",
            "sovereign-images",
            "sovereign",
            "sovereign-lab",
        ],
    ),
    ("sysinfo", &["sovereign-agent"]),
    ("clap", &["sovereign", "sovereign-agent"]),
    ("indicatif", &["sovereign"]),
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .no_deps()
        .exec()
        .expect("cargo metadata runs")
}

fn shipped_dependencies(package: &Package) -> BTreeSet<&str> {
    let shipped = |kind| matches!(kind, DependencyKind::Normal | DependencyKind::Build);
    package
        .dependencies
        .iter()
        .filter(|d| shipped(d.kind))
        .map(|d| d.name.as_str())
        .collect()
}

#[test]
fn arrows_go_down_only() {
    let metadata = metadata();
    let rooms: BTreeSet<&str> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let mut broken = Vec::new();
    for package in &metadata.packages {
        let Some((_, allowed)) = MAY_ENTER.iter().find(|(room, _)| *room == package.name.as_str()) else {
            broken.push(format!("`{}` is not in the house plan", package.name));
            continue;
        };
        for entered in shipped_dependencies(package).intersection(&rooms) {
            if !allowed.contains(entered) {
                broken.push(format!("`{}` may not enter `{entered}`", package.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn third_party_crates_stay_behind_their_walls() {
    let metadata = metadata();
    let mut broken = Vec::new();
    for package in &metadata.packages {
        for dependency in shipped_dependencies(package) {
            let wall = WALLS.iter().find(|(name, _)| *name == dependency);
            if wall.is_some_and(|(_, rooms)| !rooms.contains(&package.name.as_str())) {
                broken.push(format!("`{}` may not use `{dependency}`", package.name));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_package_lives_by_the_house_lints() {
    for package in &metadata().packages {
        let manifest = std::fs::read_to_string(&package.manifest_path).expect("the manifest is readable");
        assert!(
            manifest.contains("[lints]\nworkspace = true"),
            "`{}` does not inherit the lints",
            package.name
        );
        assert_eq!(
            package.license.as_deref(),
            Some("Apache-2.0"),
            "`{}` has another licence",
            package.name
        );
    }
}

/// Every Markdown file of the repository.
fn pages(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() && name != "target" && !name.starts_with('.') {
            pages(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    let mut found = Vec::new();
    pages(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut found);
    assert!(found.len() >= 10, "{found:?}");
    let mut broken = Vec::new();
    for page in found {
        let text = std::fs::read_to_string(&page).expect("UTF-8");
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = target.split('#').next().unwrap_or_default();
            let near = page.parent().unwrap_or(&page).join(file);
            if !target.contains("://") && !file.is_empty() && !near.exists() {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
