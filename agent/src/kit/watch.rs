//! What Flux says of the kit's components, and what proves them.

use std::collections::BTreeMap;

use kube::api::DynamicObject;
use sovereign_core::kit::{Component, NAMESPACE, Proof, ROOT};

use super::evidence::Evidence;
use super::workload;
use crate::cluster::glance::Glance;
use crate::cluster::{Cluster, ObjectId};
use crate::condition::Condition;
use crate::fault::Fault;
use crate::flux::{HELM_RELEASE, KUSTOMIZATION, OCI_REPOSITORY, OWNER};
use crate::lines::line;
use crate::standing::{self, Standing};
use crate::validity;

/// Kinds of Flux in which the cause of a failure is looked for, the deepest first.
const CAUSES: [(&str, &str); 2] = [OCI_REPOSITORY, HELM_RELEASE];
/// Reasons of a condition that is false for now and needs nobody.
const PASSING: [&str; 4] = [
    "DependencyNotReady",
    "SourceNotReady",
    "Progressing",
    "ProgressingWithRetry",
];
/// Events of an object that travel with its failure.
const EVENTS: usize = 5;

/// Flux's objects, by the component they belong to.
#[derive(Debug, Default)]
pub(super) struct Flux {
    kustomizations: BTreeMap<String, DynamicObject>,
    causes: BTreeMap<String, Vec<DynamicObject>>,
}

impl Flux {
    /// One look at all of them, as the tree of this digest makes them.
    pub(super) async fn look(glance: &Glance<'_>, kit: &str) -> Result<Self, Fault> {
        let mut flux = Self::default();
        for (_, one) in owned(&glance.all(KUSTOMIZATION).await?) {
            if let Some(name) = one.metadata.name.clone() {
                flux.kustomizations.insert(name, one.clone());
            }
        }
        // Where all is well there is no cause to be looked for.
        let open = |one: &DynamicObject| !kustomization(one, kit).is_proven();
        if !flux.kustomizations.values().any(open) {
            return Ok(flux);
        }
        for kind in CAUSES {
            for (owner, one) in owned(&glance.all(kind).await?) {
                flux.causes.entry(owner.to_owned()).or_default().push(one.clone());
            }
        }
        Ok(flux)
    }

    /// Where a component stands that comes from the tree of this digest. One that is due waits for nothing but itself.
    pub(super) async fn component(
        &self,
        (glance, evidence): (&Glance<'_>, &mut Evidence),
        component: &Component,
        kit: &str,
        is_due: bool,
    ) -> Standing {
        let Some(own) = self.kustomizations.get(&component.name) else {
            return Standing::Missing(format!("Kustomization {NAMESPACE}/{}", component.name));
        };
        let cluster = glance.cluster();
        let standing = kustomization(own, kit);
        if standing.is_proven() {
            let proofs = evidence.look_all(glance, &component.proofs).await;
            let proofs = component.proofs.iter().zip(proofs).map(taken_away);
            return standing::all([standing].into_iter().chain(proofs));
        }
        // Flux says of a component that it is on its way as long as it waits; what it waits for may have failed long ago.
        let mut causes = self.causes.get(&component.name).into_iter().flatten();
        if let Some((one, fault)) = causes.find_map(|one| Some((one, trouble(one)?))) {
            return Standing::Failed(fault.with_log(events(cluster, one).await));
        }
        if is_due && let Some(fault) = workload::trouble(glance, &component.proofs).await {
            return Standing::Failed(fault);
        }
        with_events(cluster, own, standing).await
    }

    /// What of a component that has failed Flux can try again.
    pub(super) fn failed(&self, name: &str) -> Vec<ObjectId> {
        let causes = self.causes.get(name).into_iter().flatten();
        let own = self.kustomizations.get(name);
        causes
            .filter(|one| trouble(one).is_some())
            .chain(own)
            .filter_map(ObjectId::of)
            .collect()
    }

    /// Kustomizations that are there and that the kit knows nothing of.
    pub(super) fn strangers(&self, expected: &[&str]) -> Vec<&str> {
        let known = |name: &&str| !expected.contains(name) && *name != ROOT;
        self.kustomizations
            .keys()
            .map(String::as_str)
            .filter(known)
            .collect()
    }
}

/// Those that a Kustomization has put there, each with its name.
fn owned(objects: &[DynamicObject]) -> impl Iterator<Item = (&str, &DynamicObject)> {
    objects.iter().filter_map(|one| {
        let owner = one.metadata.labels.as_ref()?.get(OWNER)?;
        Some((owner.as_str(), one))
    })
}

/// A definition that Flux has put there, and that is not there, does not come by waiting.
fn taken_away((proof, standing): (&Proof, Standing)) -> Standing {
    match (proof, standing) {
        (Proof::Established { .. }, Standing::Missing(what)) => Standing::Failed(Fault::new(
            format!("{what} is not there, though Flux has put it there"),
            "somebody took it away: Flux puts it back at its next turn, and at once with `sovereign up`",
        )),
        (_, standing) => standing,
    }
}

/// The two objects of the root of the tree: its source, and what it makes of it.
pub(super) fn root_ids() -> [ObjectId; 2] {
    [OCI_REPOSITORY, KUSTOMIZATION]
        .map(|(api_version, kind)| ObjectId::new(api_version, kind, Some(NAMESPACE), ROOT))
}

/// Where the root of the tree stands.
pub(super) async fn root(glance: &Glance<'_>, kit: &str) -> Result<Standing, Fault> {
    let [source, root] = root_ids();
    let cluster = glance.cluster();
    let source = glance.get(&source).await?;
    if let Some((source, fault)) = source.as_ref().and_then(|one| Some((one, trouble(one)?))) {
        return Ok(Standing::Failed(fault.with_log(events(cluster, source).await)));
    }
    match glance.get(&root).await? {
        Some(root) => Ok(with_events(cluster, &root, kustomization(&root, kit)).await),
        None => Ok(Standing::Missing(root.to_string())),
    }
}

fn kustomization(own: &DynamicObject, kit: &str) -> Standing {
    let name = own.metadata.name.as_deref().unwrap_or_default();
    if let Some(stalled) = Condition::of(own, "Stalled").filter(|stalled| stalled.status == "True") {
        let remedy = "mend the component in the kit, pack it and run `sovereign up` again";
        return Standing::Stalled(Fault::new(
            format!("Kustomization {name}: {}", stalled.words()),
            remedy,
        ));
    }
    let Some(ready) = Condition::of(own, "Ready") else {
        return Standing::Waiting("Flux has not seen it yet".into());
    };
    if !ready.is_current(own) {
        return Standing::Waiting("Flux has not seen its newest form yet".into());
    }
    match ready.status.as_str() {
        "True" => {
            let applied = own.data["status"]["lastAppliedRevision"]
                .as_str()
                .unwrap_or_default();
            if applied.contains(kit) {
                Standing::proven(false, format!("Kustomization {name} is ready"))
            } else {
                Standing::Waiting(format!("it is ready with another kit, `{applied}`"))
            }
        }
        "False" if !PASSING.contains(&ready.reason.as_str()) => Standing::Failed(Fault::new(
            format!("Kustomization {name}: {}", ready.words()),
            remedy(&ready),
        )),
        _ => Standing::Waiting(ready.words()),
    }
}

/// What keeps an object of Flux from being ready, if it is more than waiting.
fn trouble(object: &DynamicObject) -> Option<Fault> {
    let stalled = Condition::of(object, "Stalled").filter(|stalled| stalled.status == "True");
    let failed = || {
        let ready = Condition::of(object, "Ready")?;
        let over = ready.status == "False" && !PASSING.contains(&ready.reason.as_str());
        over.then_some(ready)
    };
    let condition = stalled.or_else(failed)?;
    let id = ObjectId::of(object)?;
    Some(Fault::new(
        format!("{id}: {}", condition.words()),
        remedy(&condition),
    ))
}

/// What to do about a reason of Flux.
fn remedy(condition: &Condition) -> &'static str {
    if let Some(remedy) = validity::remedy(&condition.message) {
        return remedy;
    }
    match condition.reason.as_str() {
        "VerificationError" => {
            "the artifact is not signed by the key that the kit is trusted by: pack the kit with that key, or give its public key with `--kit-key`, and run `sovereign up` again"
        }
        "OCIArtifactPullFailed"
        | "OCIArtifactLayerOperationFailed"
        | "OCIPullFailed"
        | "URLInvalid"
        | "AuthenticationFailed" => {
            "the node registry does not give it: `sovereign-agent status` on the node says whether it serves; if the artifact is not in the kit, pack it anew and run `sovereign up` again"
        }
        "HealthCheckFailed" | "InstallFailed" | "UpgradeFailed" => {
            "look at what it waits for: `kubectl describe` the object and its pods; Flux tries again by itself, and at once with `sovereign up`"
        }
        "BuildFailed" | "ReconciliationFailed" => {
            "the objects do not fit this cluster: `sovereign kit lint` on the kit, mend and pack it, and run `sovereign up` again"
        }
        _ => "the log lines say more; Flux tries again by itself, and at once with `sovereign up`",
    }
}

async fn with_events(cluster: &Cluster, object: &DynamicObject, standing: Standing) -> Standing {
    match standing {
        Standing::Failed(fault) => Standing::Failed(fault.with_log(events(cluster, object).await)),
        Standing::Stalled(fault) => Standing::Stalled(fault.with_log(events(cluster, object).await)),
        other => other,
    }
}

/// The last events of an object, oldest first. They only add to what is known: without them the cause is told all the same.
pub(super) async fn events(cluster: &Cluster, object: &DynamicObject) -> Vec<String> {
    let name = object.metadata.name.as_deref().unwrap_or_default();
    let event = ObjectId::new("v1", "Event", object.metadata.namespace.as_deref(), "");
    let found = cluster
        .fields(&event, &format!("involvedObject.name={name}"))
        .await;
    let mut events = found.unwrap_or_default();
    events.sort_by(|one, other| at(one).cmp(at(other)));
    let skip = events.len().saturating_sub(EVENTS);
    events.iter().skip(skip).map(told).collect()
}

fn at(event: &DynamicObject) -> &str {
    event.data["lastTimestamp"].as_str().unwrap_or_default()
}

fn told(event: &DynamicObject) -> String {
    let text = |key: &str| event.data[key].as_str().unwrap_or_default();
    let message = line(text("message"));
    format!("{} {}: {message}", at(event), text("reason"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const KIT: &str = "sha256:ab";

    fn own(ready: &str, reason: &str, revision: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": KUSTOMIZATION.0, "kind": KUSTOMIZATION.1,
            "metadata": {"name": "gitea", "namespace": NAMESPACE, "generation": 2},
            "status": {
                "lastAppliedRevision": revision,
                "conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": "a\nb", "observedGeneration": 2}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn ready_with_this_kit_is_proven_and_with_another_it_is_not() {
        assert!(kustomization(&own("True", "ReconciliationSucceeded", "latest@sha256:ab"), KIT).is_proven());
        let other = kustomization(&own("True", "ReconciliationSucceeded", "sha256:cd"), KIT);
        assert!(matches!(other, Standing::Waiting(_)), "{other:?}");
    }

    #[test]
    fn a_definition_that_is_gone_under_flux_has_failed_and_a_workload_may_still_come() {
        let crd = Proof::Established { name: "a.b".into() };
        let missing = || Standing::Missing("CustomResourceDefinition a.b".into());
        assert!(matches!(taken_away((&crd, missing())), Standing::Failed(_)));
        let claim = Proof::Bound {
            namespace: "a".into(),
            name: "b".into(),
        };
        assert_eq!(taken_away((&claim, missing())), missing());
    }

    #[test]
    fn what_waits_for_another_has_not_failed() {
        let waits = kustomization(&own("False", "DependencyNotReady", ""), KIT);
        assert_eq!(waits, Standing::Waiting("DependencyNotReady: a b".into()));
        let failed = kustomization(&own("False", "BuildFailed", ""), KIT);
        assert!(matches!(failed, Standing::Failed(_)), "{failed:?}");
    }

    #[test]
    fn a_certificate_of_another_time_points_at_the_clock() {
        let mut failed = own("False", "OCIArtifactPullFailed", "");
        failed.data["status"]["conditions"][0]["message"] =
            "tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time \
             2026-11-30T03:00:00Z is before 2026-12-01T02:00:00Z"
                .into();
        let fault = trouble(&failed).unwrap();
        assert!(fault.remedy.contains("timedatectl"), "{}", fault.remedy);
    }

    #[test]
    fn the_cause_names_the_object_and_the_reason() {
        let fault = trouble(&own("False", "VerificationError", "")).unwrap();
        assert_eq!(
            fault.cause,
            "Kustomization flux-system/gitea: VerificationError: a b"
        );
        assert!(fault.remedy.contains("--kit-key"), "{}", fault.remedy);
        assert_eq!(trouble(&own("False", "SourceNotReady", "")), None);
    }
}
