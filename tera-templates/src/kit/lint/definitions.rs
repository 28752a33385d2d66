//! Custom resources come after what defines them, in another component.

use std::collections::BTreeSet;

use super::{Found, View};
use crate::kit::render::Part;
use crate::kit::{Component, Object, place};

pub(super) fn check(view: &View, found: &mut Found) {
    for component in &view.kit.components {
        let objects: Vec<Object> = view.parts(component).flat_map(Part::objects).collect();
        declared(component, &objects, found);
        used(view, component, found);
    }
}

/// What a component defines, it says.
fn declared(component: &Component, objects: &[Object], found: &mut Found) {
    let defined: BTreeSet<_> = objects.iter().filter_map(|object| object.defines()).collect();
    for group in defined
        .into_iter()
        .filter(|group| !component.file.provides.contains(*group))
    {
        let message = format!("it defines custom resources of `{group}` and does not say so");
        found.error(
            "kit.provides",
            &component.name,
            message,
            format!("add `{group}` to `provides`"),
        );
    }
}

fn used(view: &View, component: &Component, found: &mut Found) {
    let below = view.kit.below(component);
    for part in view.parts(component) {
        for (objects, in_release) in [(&part.tree, false), (&part.release, true)] {
            let groups: BTreeSet<_> = objects
                .iter()
                .map(Object)
                .map(|object| (object.group(), object.kind()))
                .collect();
            let custom = groups.into_iter().filter(|(group, _)| !place::is_built_in(group));
            for (group, kind) in custom.filter(|(group, _)| component.file.seed || !is_flux(group)) {
                let Some(remedy) = lacks(view, component, &below, group, in_release) else {
                    continue;
                };
                let message = format!("`{kind}` of `{group}` is not served before it");
                found.error("kit.definition", &component.name, message, remedy);
            }
        }
    }
}

/// What to do, if nothing below a component defines a group.
fn lacks(
    view: &View,
    component: &Component,
    below: &BTreeSet<&str>,
    group: &str,
    in_release: bool,
) -> Option<String> {
    let all = &view.kit.components;
    let providers: Vec<&Component> = all
        .iter()
        .filter(|one| one.file.provides.contains(group))
        .collect();
    let is_own = providers.iter().any(|one| one.name == component.name);
    // Helm takes what is in a chart's folder `crds` first.
    if providers.iter().any(|one| below.contains(one.name.as_str())) || (is_own && in_release) {
        return None;
    }
    Some(match providers.first() {
        Some(_) if is_own => {
            "put it into a component of its own that depends on this one: the definition has to be served first"
                .to_owned()
        }
        Some(one) => format!("add `{}` to `dependsOn`: it defines it", one.name),
        None => format!("add the component that defines it, with `provides: [{group}]`, and depend on it"),
    })
}

/// Flux applies whatever is no seed, so it is there.
fn is_flux(group: &str) -> bool {
    group.ends_with(".toolkit.fluxcd.io")
}
