//! Asked to reconcile everything, Flux changes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::flux::Kustomization;
use crate::cluster::glance::Glance;
use crate::cluster::{Cluster, ObjectId};
use crate::fault::Fault;
use crate::flux::{OWNER, REQUEST, REQUESTER};
use crate::standing::Standing;

const REMEDY: &str = "find out who else writes them: `kubectl get --show-managed-fields -o yaml`; mend the kit, pack it and run `sovereign up` again";

/// Time Flux gets for all of them: one waits for the next, and each looks every half minute whether it may.
const PATIENCE: Duration = Duration::from_mins(10);

/// Definitions with their schemas are megabytes all together: each is read by itself.
const LARGE: &str = "CustomResourceDefinition";

/// How far the proof is.
#[derive(Debug, Default)]
pub(super) struct Steady {
    asked: Option<Asked>,
    proven: Option<String>,
}

#[derive(Debug)]
struct Asked {
    at: String,
    since: Instant,
    before: BTreeMap<ObjectId, String>,
}

impl Steady {
    /// Goes on with it: one look, and no waiting.
    pub(super) async fn go_on(&mut self, glance: &Glance<'_>, at: &str) -> Result<Standing, Fault> {
        if let Some(seen) = &self.proven {
            return Ok(Standing::proven(false, seen.clone()));
        }
        let cluster = glance.cluster();
        let all = Kustomization::all(glance).await?;
        let Some(asked) = &self.asked else {
            let before = fingerprints(cluster, &all).await?;
            for one in &all {
                one.request(cluster, at).await?;
            }
            let at = at.to_owned();
            let since = Instant::now();
            self.asked = Some(Asked { at, since, before });
            return Ok(Standing::Waiting(format!(
                "{} Kustomizations reconcile",
                all.len()
            )));
        };
        let open: Vec<&str> = all
            .iter()
            .filter(|one| !one.has_reconciled(&asked.at))
            .map(Kustomization::name)
            .collect();
        if !open.is_empty() {
            return Ok(late(&open, asked.since));
        }
        let after = fingerprints(cluster, &all).await?;
        let standing = compare(&asked.before, &after);
        match &standing {
            Standing::Proven { seen, .. } => self.proven = Some(seen.clone()),
            // Somebody may have been at it: it is asked again.
            _ => self.asked = None,
        }
        Ok(standing)
    }
}

/// These are not reconciled yet.
fn late(open: &[&str], since: Instant) -> Standing {
    let open = open.join(", ");
    if since.elapsed() < PATIENCE {
        return Standing::Waiting(format!("not reconciled yet: {open}"));
    }
    let cause = format!("not reconciled within {} min: {open}", PATIENCE.as_secs() / 60);
    let remedy = "see what Flux says of each: `kubectl -n flux-system get kustomizations`; it goes on by itself once they are ready";
    Standing::TimedOut(Fault::new(cause, remedy))
}

fn compare(before: &BTreeMap<ObjectId, String>, after: &BTreeMap<ObjectId, String>) -> Standing {
    let changed: Vec<String> = after
        .iter()
        .filter(|(id, print)| before.get(id) != Some(print))
        .map(|(id, _)| id.to_string())
        .chain(
            before
                .keys()
                .filter(|id| !after.contains_key(id))
                .map(|id| format!("{id} (gone)")),
        )
        .collect();
    if changed.is_empty() {
        return Standing::proven(false, format!("0 of {} objects changed", after.len()));
    }
    let cause = format!(
        "reconciling without a change in the source changed {}",
        changed.join(", ")
    );
    Standing::Failed(Fault::new(cause, REMEDY))
}

/// What is there of everything that Flux applies.
async fn fingerprints(cluster: &Cluster, all: &[Kustomization]) -> Result<BTreeMap<ObjectId, String>, Fault> {
    let mut wanted: BTreeSet<ObjectId> = all.iter().flat_map(Kustomization::inventory).collect();
    let kinds: BTreeSet<(String, String)> = wanted
        .iter()
        .filter(|id| id.kind != LARGE)
        .map(|id| (id.api_version.clone(), id.kind.clone()))
        .collect();
    let mut prints = BTreeMap::new();
    for (api_version, kind) in kinds {
        for object in cluster.labelled(&api_version, &kind, OWNER).await? {
            if let Some(id) = ObjectId::of(&object).and_then(|id| wanted.take(&id)) {
                prints.insert(id, fingerprint(&object));
            }
        }
    }
    // What does not say that it is Flux's is read by its name.
    for id in wanted {
        if let Some(object) = cluster.get(&id).await? {
            prints.insert(id, fingerprint(&object));
        }
    }
    Ok(prints)
}

/// Everything that a write of an object's owner would move. Left out is what its controller says of it, and the requests of this
/// proof itself.
fn fingerprint(object: &DynamicObject) -> String {
    let mut value = serde_json::to_value(object).unwrap_or_default();
    // What a release of Helm was written as last; of other objects there is no such thing.
    let release = value.pointer("/status/history/0/version").cloned();
    if let Some(all) = value.as_object_mut() {
        all.remove("status");
    }
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(REQUEST);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
        if let Some(fields) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
            fields.retain(|one| one["subresource"].is_null() && one["manager"] != REQUESTER);
        }
    }
    hex::encode(Sha256::digest(format!("{value}{release:?}")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(version: &str, image: &str, manager: &str, seen: i64) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "namespace": "ns", "resourceVersion": version,
                "managedFields": [
                    {"manager": manager},
                    {"manager": "kcm", "subresource": "status", "time": format!("2026-11-29T00:00:0{version}Z")},
                ]},
            "spec": {"image": image}, "status": {"observedGeneration": seen},
        }))
        .unwrap()
    }

    #[test]
    fn what_controllers_say_is_no_change_and_a_write_is_one() {
        let print = |version, image, manager, seen| fingerprint(&object(version, image, manager, seen));
        assert_eq!(print("1", "x", "flux", 1), print("2", "x", "flux", 2));
        assert_ne!(print("1", "x", "flux", 1), print("1", "y", "flux", 1));
        assert_ne!(print("1", "x", "flux", 1), print("1", "x", "somebody", 1));
    }

    #[tokio::test(start_paused = true)]
    async fn flux_has_its_time_and_no_more() {
        let since = Instant::now();
        assert_eq!(
            late(&["a", "b"], since),
            Standing::Waiting("not reconciled yet: a, b".into())
        );
        tokio::time::advance(PATIENCE).await;
        let late = late(&["a", "b"], since);
        assert!(
            late.has_failed() && late.words().ends_with("10 min: a, b"),
            "{late:?}"
        );
    }

    #[test]
    fn an_object_that_goes_is_a_change() {
        let id = ObjectId::new("v1", "ConfigMap", Some("ns"), "a");
        let before = BTreeMap::from([(id, "x".to_owned())]);
        assert!(compare(&before, &before).is_proven());
        let gone = compare(&before, &BTreeMap::new());
        assert!(gone.words().contains("ConfigMap ns/a (gone)"), "{gone:?}");
    }
}
