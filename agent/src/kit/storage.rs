//! A default `StorageClass` that really gives volumes: a claim and a pod that mounts it, taken away again once they have shown it.

use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::json;
use tokio::time::Instant;

use super::watch;
use crate::cluster::{AGENT, Cluster, ObjectId, object};
use crate::fault::Fault;
use crate::standing::Standing;

/// The annotation by which Kubernetes knows the default.
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const NAMESPACE: &str = "kube-system";
const NAME: &str = "sovereign-storage-proof";
/// Every k3s has this image.
const IMAGE: &str = "rancher/mirrored-pause:3.6";
/// Looks without a default class before that is called a failure: k3s brings its own beside `CoreDNS`, which was seen before.
const GRACE: u32 = 5;
const NO_CLASS: &str = "mark a StorageClass as the default: `kubectl annotate storageclass NAME storageclass.kubernetes.io/is-default-class=true` (`kubectl get storageclass` lists those that are there); the agent looks again by itself";
/// Time a claim gets.
const PATIENCE: Duration = Duration::from_mins(5);
const REMEDY: &str = "see what the provisioner says: `kubectl -n kube-system describe pvc sovereign-storage-proof`; the agent looks again by itself";

/// How far the proof is.
#[derive(Debug, Default)]
pub(super) struct StorageProof {
    /// Looks without a default class, one after the other.
    without: u32,
    claimed: Option<Instant>,
    proven: Option<String>,
}

impl StorageProof {
    /// Goes on with it: one look, and no waiting.
    pub(super) async fn go_on(&mut self, cluster: &Cluster) -> Result<Standing, Fault> {
        if let Some(seen) = &self.proven {
            return Ok(Standing::proven(false, seen.clone()));
        }
        let Some(class) = default_class(cluster).await? else {
            self.claimed = None;
            self.without = self.without.saturating_add(1);
            return Ok(no_class(self.without));
        };
        self.without = 0;
        let claim = ObjectId::new("v1", "PersistentVolumeClaim", Some(NAMESPACE), NAME);
        cluster.create(&object(claim_of(&class))?, AGENT).await?;
        cluster.create(&object(pod())?, AGENT).await?;
        let since = *self.claimed.get_or_insert_with(Instant::now);
        let seen = cluster.get(&claim).await?;
        let phase = seen
            .as_ref()
            .and_then(|claim| claim.data["status"]["phase"].as_str());
        if phase == Some("Bound") {
            cluster
                .delete(&ObjectId::new("v1", "Pod", Some(NAMESPACE), NAME))
                .await?;
            cluster.delete(&claim).await?;
            let seen = format!("`{class}` gave a claim its volume");
            self.proven = Some(seen.clone());
            return Ok(Standing::proven(true, seen));
        }
        let phase = phase.unwrap_or("not seen by any controller");
        let what = format!("a claim of StorageClass `{class}` is {phase}");
        let events = match &seen {
            Some(claim) => watch::events(cluster, claim).await,
            None => Vec::new(),
        };
        Ok(late(since, what, events))
    }
}

fn no_class(looks: u32) -> Standing {
    let what = "there is no default StorageClass";
    if looks < GRACE {
        return Standing::Waiting(what.to_owned());
    }
    Standing::Failed(Fault::new(what, NO_CLASS))
}

/// A claim that has no volume yet, with what the cluster says of it.
fn late(since: Instant, what: String, events: Vec<String>) -> Standing {
    if since.elapsed() < PATIENCE {
        return Standing::Waiting(match events.last() {
            Some(last) => format!("{what}: {last}"),
            None => what,
        });
    }
    let cause = format!("{what} after {} s", PATIENCE.as_secs());
    Standing::TimedOut(Fault::new(cause, REMEDY).with_log(events))
}

async fn default_class(cluster: &Cluster) -> Result<Option<String>, Fault> {
    let classes = cluster.labelled("storage.k8s.io/v1", "StorageClass", "").await?;
    let is_default = |class: &&DynamicObject| {
        let annotations = class.metadata.annotations.as_ref();
        annotations
            .and_then(|all| all.get(DEFAULT))
            .is_some_and(|value| value == "true")
    };
    Ok(classes
        .iter()
        .find(is_default)
        .and_then(|class| class.metadata.name.clone()))
}

fn claim_of(class: &str) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": class,
            "resources": {"requests": {"storage": "1Mi"}}}})
}

/// Classes that wait for a consumer get one.
fn pod() -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Pod",
    "metadata": {"name": NAME, "namespace": NAMESPACE},
    "spec": {
        "containers": [{"name": "pause", "image": IMAGE, "volumeMounts": [{"name": "proof", "mountPath": "/proof"}]}],
        "tolerations": [{"operator": "Exists"}],
        "terminationGracePeriodSeconds": 0,
        "volumes": [{"name": "proof", "persistentVolumeClaim": {"claimName": NAME}}],
    }})
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::convert::Infallible;

    use http::{Method, Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::Value;
    use tower::service_fn;

    use super::*;

    /// A cluster with these classes, whose provisioner has something to say of a claim and gives no volume.
    fn cluster(classes: &'static [&str]) -> Cluster {
        let api = service_fn(move |request: Request<Body>| {
            let answer = answer(classes, request.method(), request.uri().path());
            async move { Ok::<_, Infallible>(Response::new(Body::from(answer.to_string().into_bytes()))) }
        });
        Cluster::of(Client::new(api, "default"))
    }

    fn answer(classes: &[&str], method: &Method, path: &str) -> Value {
        let resource = |kind: &str, name: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get"]});
        match path.rsplit('/').next().unwrap_or_default() {
            "storage.k8s.io" | "v1" if path.starts_with("/apis") => {
                json!({"kind": "APIResourceList", "groupVersion": "storage.k8s.io/v1",
                    "resources": [resource("StorageClass", "storageclasses", false)]})
            }
            "v1" => json!({"kind": "APIResourceList", "groupVersion": "v1", "resources": [
                resource("PersistentVolumeClaim", "persistentvolumeclaims", true),
                resource("Pod", "pods", true), resource("Event", "events", true)]}),
            "storageclasses" => {
                let class = |name: &&str| {
                    let marks: BTreeMap<&str, &str> = BTreeMap::from([(DEFAULT, "true")]);
                    json!({"metadata": {"name": name, "annotations": marks}})
                };
                let items: Vec<Value> = classes.iter().map(class).collect();
                json!({"kind": "StorageClassList", "apiVersion": "storage.k8s.io/v1", "metadata": {}, "items": items})
            }
            "events" => json!({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": [
                {"metadata": {"name": "e"}, "reason": "ProvisioningFailed", "message": "no disk", "lastTimestamp": "now"}]}),
            _ if method == Method::POST => pod(),
            _ => {
                let mut claim = claim_of("slow");
                claim["status"] = json!({"phase": "Pending"});
                claim
            }
        }
    }

    #[tokio::test]
    async fn no_default_class_is_a_failure_after_a_few_looks_with_what_to_do() {
        let cluster = cluster(&[]);
        let mut proof = StorageProof::default();
        for _ in 1..GRACE {
            let standing = proof.go_on(&cluster).await.unwrap();
            assert!(matches!(standing, Standing::Waiting(_)), "{standing:?}");
        }
        let Standing::Failed(fault) = proof.go_on(&cluster).await.unwrap() else {
            panic!("it waits");
        };
        assert!(fault.remedy.contains("is-default-class=true"), "{}", fault.remedy);
    }

    #[tokio::test(start_paused = true)]
    async fn a_claim_without_a_volume_says_what_the_provisioner_says() {
        let cluster = cluster(&["slow"]);
        let mut proof = StorageProof::default();
        let standing = proof.go_on(&cluster).await.unwrap();
        let said = "ProvisioningFailed: no disk";
        assert!(
            standing.words().contains(said) && !standing.has_failed(),
            "{standing:?}"
        );
        tokio::time::advance(PATIENCE).await;
        let Standing::TimedOut(fault) = proof.go_on(&cluster).await.unwrap() else {
            panic!("it waits");
        };
        assert!(
            fault.log[0].contains(said) && fault.cause.contains("Pending"),
            "{fault:?}"
        );
    }
}
