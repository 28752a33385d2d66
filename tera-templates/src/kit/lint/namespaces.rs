//! Namespaces are there before what is in them.

use std::collections::{BTreeMap, BTreeSet};

use sovereign_core::kit::NAMESPACE;

use super::{Found, View};
use crate::kit::{Object, place};

pub(super) fn check(view: &View, found: &mut Found) {
    let makers = makers(view);
    for component in &view.kit.components {
        let below = view.kit.below(component);
        let is_there = |namespace: &str| {
            let maker = makers.get(namespace);
            // Whoever installs the kit makes the namespace that Flux reads from.
            place::is_always_there(namespace)
                || namespace == NAMESPACE
                || maker.is_some_and(|maker| *maker == component.name || below.contains(maker))
        };
        let objects = view.parts(component).flat_map(crate::kit::render::Part::objects);
        let named: BTreeSet<_> = objects.filter_map(Object::namespace).collect();
        for namespace in named.into_iter().filter(|namespace| !is_there(namespace)) {
            let message = format!("it uses the namespace `{namespace}`, which is not made before it");
            let remedy = match makers.get(namespace) {
                Some(maker) => format!("add `{maker}` to `dependsOn`: it makes the namespace"),
                None => "add a component with that namespace and depend on it, or use another one".to_owned(),
            };
            found.error("kit.namespace", &component.name, message, remedy);
        }
    }
    for secret in &view.kit.secrets {
        let namespace = secret.namespace.as_str();
        if !place::is_always_there(namespace) && namespace != NAMESPACE && !makers.contains_key(namespace) {
            let message = format!(
                "the secret `{namespace}/{}` is in a namespace that nobody makes",
                secret.name
            );
            found.error(
                "kit.namespace",
                "",
                message,
                "put it into the namespace of a component",
            );
        }
    }
}

/// Who makes which namespace.
fn makers<'a>(view: &View<'a>) -> BTreeMap<&'a str, &'a str> {
    let made = |part: &'a crate::kit::render::Part| {
        let objects = part.objects().filter(|object| object.is_namespace());
        objects.map(|object| (object.name(), part.component.as_str()))
    };
    view.rendering.parts.iter().flat_map(made).collect()
}
