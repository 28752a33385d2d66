//! What is wrong with a kit, all at once: a pure look at its files and at what they are rendered to.
//!
//! Charts that were not rendered are not looked into, and a note says which. Everything else is judged.

mod definitions;
mod floating;
mod hosts;
mod namespaces;
mod owners;
mod pins;
mod policy;
mod proofs;
mod variables;

use std::collections::BTreeSet;

use sovereign_core::finding::{Finding, Severity};

use super::{Component, Kit, Rendering};
use crate::kit::render::Part;

/// What is looked at.
struct View<'a> {
    kit: &'a Kit,
    rendering: &'a Rendering,
}

/// Collects what is found.
#[derive(Default)]
struct Found(Vec<Finding>);

/// Every problem of a kit, the gravest first.
pub fn lint(kit: &Kit, rendering: &Rendering) -> Vec<Finding> {
    let view = View { kit, rendering };
    let mut found = Found::default();
    for check in [
        policy::check,
        pins::check,
        floating::check,
        variables::check,
        hosts::check,
        namespaces::check,
        definitions::check,
        owners::check,
        proofs::check,
    ] {
        check(&view, &mut found);
    }
    told_together(&view, &mut found);
    // Both sizes tell the same story.
    let mut seen = BTreeSet::new();
    let mut findings = found.0;
    findings.retain(|one| seen.insert((one.code.clone(), one.path.clone(), one.message.clone())));
    findings.sort_by(|one, other| {
        other
            .severity
            .cmp(&one.severity)
            .then_with(|| one.path.cmp(&other.path))
    });
    findings
}

impl View<'_> {
    fn parts(&self, component: &Component) -> impl Iterator<Item = &Part> {
        self.rendering
            .parts
            .iter()
            .filter(|part| part.component == component.name)
    }
}

/// What is the same for many components is told once.
fn told_together(view: &View, found: &mut Found) {
    let those = |lacks: &dyn Fn(&Part) -> bool| {
        let components = view.kit.components.iter();
        let lacking = components.filter(|component| view.parts(component).any(lacks));
        lacking
            .map(|component| component.name.as_str())
            .collect::<Vec<_>>()
    };
    let from_registries: Vec<_> = those(&|part| part.digest.is_none())
        .into_iter()
        .filter(|name| pins::is_from_registry(view, name))
        .collect();
    if !from_registries.is_empty() {
        found.push(
            Severity::Warning,
            "kit.pin",
            "",
            format!("these charts are not pinned by a digest: {}", from_registries.join(", ")),
            "`sovereign kit pack` pins them and writes `kit.lock.yaml`, which pins them in the kit's folder, too",
        );
    }
    let unseen = those(&|part| !part.is_whole);
    if !unseen.is_empty() {
        found.push(
            Severity::Note,
            "kit.unseen",
            "",
            format!("these charts were not looked into: {}", unseen.join(", ")),
            "`sovereign kit pack` fetches them, renders them and looks again",
        );
    }
}

impl Found {
    fn error(&mut self, code: &str, component: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.push(Severity::Error, code, component, message, remedy);
    }

    fn push(
        &mut self,
        severity: Severity,
        code: &str,
        component: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let path = if component.is_empty() {
            "kit.yaml".to_owned()
        } else {
            format!("components/{component}.yaml")
        };
        self.0.push(Finding::new(severity, code, path, message, remedy));
    }
}
