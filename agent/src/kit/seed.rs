//! Objects that are there before Flux is, and are Flux's own afterwards.
//!
//! What is missing is made, and what is there is made right, until Flux has put its label on an object: from then on nobody else
//! writes it. An object that Flux itself keeps its hands off, since somebody claimed it (Flux's operator does so with Flux's own
//! namespace), is left alone for the same reason. Objects are applied as the field manager that Flux will apply them as, so that Flux finds its own fields and
//! nobody holds on to those that a later kit drops.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use sovereign_core::kit;

use crate::cluster::{Cluster, ObjectId};
use crate::fault::Fault;
use crate::flux::OWNER;

/// Field manager of Flux's kustomize-controller.
const FLUX: &str = "kustomize-controller";
/// Marks by which an object says that the kustomize-controller is not to write it
/// (<https://fluxcd.io/flux/components/kustomize/kustomizations/#controlling-the-apply-behavior-of-resources>).
const CLAIMED: [(&str, &str); 2] = [
    ("kustomize.toolkit.fluxcd.io/ssa", "Ignore"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
];

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Seeded {
    /// Objects that were made or changed.
    pub(super) written: usize,
    /// Objects that were right.
    pub(super) right: usize,
    /// Objects that are Flux's, or somebody's whom Flux lets be.
    pub(super) left: usize,
}

/// Reads the objects of a file of the kit, with the values of this Sovereign.
pub(super) fn objects(text: &str, values: &BTreeMap<String, String>) -> Result<Vec<DynamicObject>, String> {
    let text = kit::substitute(text, values).map_err(|error| error.to_string())?;
    let objects: Vec<Option<DynamicObject>> =
        serde_saphyr::from_multiple(&text).map_err(|error| error.to_string())?;
    Ok(objects.into_iter().flatten().collect())
}

/// Makes the objects so, in their order, except for those that have another owner by now.
pub(super) async fn seed(cluster: &Cluster, objects: &[DynamicObject]) -> Result<Seeded, Fault> {
    let mut seeded = Seeded::default();
    for object in objects {
        let live = match ObjectId::of(object) {
            Some(id) => cluster.get(&id).await?,
            None => None,
        };
        if live.as_ref().is_some_and(has_owner) {
            seeded.left += 1;
            continue;
        }
        let applied = cluster.apply(object, FLUX).await?;
        let before = live.and_then(|live| live.metadata.resource_version);
        if before == applied.metadata.resource_version {
            seeded.right += 1;
        } else {
            seeded.written += 1;
        }
    }
    Ok(seeded)
}

fn has_owner(object: &DynamicObject) -> bool {
    let has = |map: &Option<BTreeMap<String, String>>, key: &str, value: Option<&str>| {
        let found = map.as_ref().and_then(|map| map.get(key));
        found.is_some_and(|found| value.is_none_or(|value| found.eq_ignore_ascii_case(value)))
    };
    let metadata = &object.metadata;
    has(&metadata.labels, OWNER, None)
        || CLAIMED.iter().any(|(key, value)| {
            has(&metadata.annotations, key, Some(value)) || has(&metadata.labels, key, Some(value))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn namespace(metadata: &serde_json::Value) -> DynamicObject {
        serde_json::from_value(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}))
            .unwrap()
    }

    #[test]
    fn what_has_an_owner_is_left_alone() {
        assert!(!has_owner(&namespace(&json!({"name": "a"}))));
        assert!(!has_owner(&namespace(
            &json!({"name": "a", "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Merge"}})
        )));
        for claimed in [
            json!({"name": "a", "labels": {"kustomize.toolkit.fluxcd.io/name": "gitea"}}),
            json!({"name": "a", "annotations": {"kustomize.toolkit.fluxcd.io/ssa": "Ignore"}}),
            json!({"name": "a", "annotations": {"kustomize.toolkit.fluxcd.io/reconcile": "disabled"}}),
        ] {
            assert!(has_owner(&namespace(&claimed)), "{claimed}");
        }
    }
}
