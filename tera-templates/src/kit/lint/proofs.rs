//! Proofs look at what is there.

use std::collections::BTreeSet;

use sovereign_core::kit::Proof;

use super::{Found, View};
use crate::kit::Object;
use crate::kit::render::Part;

pub(super) fn check(view: &View, found: &mut Found) {
    for component in &view.kit.components {
        let sound: BTreeSet<_> = component.file.proofs.iter().collect();
        if sound.len() < component.file.proofs.len() {
            found.error(
                "kit.proof",
                &component.name,
                "it has the same proof twice",
                "leave one of them",
            );
        }
        for part in view.parts(component).filter(|part| part.is_whole) {
            for proof in sound.iter().filter(|proof| !is_about_something(proof, part)) {
                let message = format!("`{proof}` cannot be seen: the component has no such object");
                found.error(
                    "kit.proof",
                    &component.name,
                    message,
                    "name an object that it applies",
                );
            }
        }
    }
}

fn is_about_something(proof: &Proof, part: &Part) -> bool {
    let has = |is_it: &dyn Fn(&Object) -> bool| part.objects().any(|object| is_it(&object));
    match proof {
        Proof::Condition {
            api_version,
            kind,
            namespace,
            name,
            ..
        } => has(&|object| {
            object.api_version() == api_version
                && object.kind() == kind
                && object.namespace() == namespace.as_deref()
                && object.name() == name
        }),
        Proof::Rollout {
            kind,
            namespace,
            name,
        } => has(&|object| {
            object.is("apps", kind.as_str())
                && object.namespace() == Some(namespace.as_str())
                && object.name() == name
        }),
        Proof::Established { name } => has(&|object| object.is_definition() && object.name() == name),
        Proof::Bound { namespace, name } => has(&|object| {
            object.is("", "PersistentVolumeClaim")
                && object.namespace() == Some(namespace.as_str())
                && object.name() == name
        }),
    }
}
