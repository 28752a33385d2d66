//! A default `StorageClass` that really gives volumes: a claim and a pod that mounts it, taken away again once they have shown it.

use std::time::Duration;

use kube::api::DynamicObject;
use serde_json::json;
use tokio::time::Instant;

use crate::cluster::{AGENT, Cluster, ObjectId, object};
use crate::fault::Fault;
use crate::standing::Standing;

/// The annotation by which Kubernetes knows the default.
const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";
const NAMESPACE: &str = "kube-system";
const NAME: &str = "sovereign-storage-proof";
/// Every k3s has this image.
const IMAGE: &str = "rancher/mirrored-pause:3.6";
/// Time a claim gets.
const PATIENCE: Duration = Duration::from_mins(5);
const REMEDY: &str = "see what the provisioner says: `kubectl -n kube-system describe pvc sovereign-storage-proof`; the agent looks again by itself";

/// How far the proof is.
#[derive(Debug, Default)]
pub(super) struct StorageProof {
    since: Option<Instant>,
    proven: Option<String>,
}

impl StorageProof {
    /// Goes on with it: one look, and no waiting.
    pub(super) async fn go_on(&mut self, cluster: &Cluster) -> Result<Standing, Fault> {
        if let Some(seen) = &self.proven {
            return Ok(Standing::proven(false, seen.clone()));
        }
        let since = *self.since.get_or_insert_with(Instant::now);
        let Some(class) = default_class(cluster).await? else {
            return Ok(late(since, "there is no default StorageClass"));
        };
        let claim = ObjectId::new("v1", "PersistentVolumeClaim", Some(NAMESPACE), NAME);
        cluster.create(&object(claim_of(&class))?, AGENT).await?;
        cluster.create(&object(pod())?, AGENT).await?;
        let phase = cluster.get(&claim).await?.and_then(|claim| {
            let phase = claim.data["status"]["phase"].as_str();
            phase.map(str::to_owned)
        });
        match phase.as_deref() {
            Some("Bound") => {
                cluster
                    .delete(&ObjectId::new("v1", "Pod", Some(NAMESPACE), NAME))
                    .await?;
                cluster.delete(&claim).await?;
                let seen = format!("`{class}` gave a claim its volume");
                self.proven = Some(seen.clone());
                Ok(Standing::proven(true, seen))
            }
            other => {
                let phase = other.unwrap_or("not seen by any controller");
                Ok(late(
                    since,
                    &format!("a claim of StorageClass `{class}` is {phase}"),
                ))
            }
        }
    }
}

fn late(since: Instant, what: &str) -> Standing {
    if since.elapsed() < PATIENCE {
        return Standing::Waiting(what.to_owned());
    }
    Standing::TimedOut(Fault::new(
        format!("{what} after {} s", PATIENCE.as_secs()),
        REMEDY,
    ))
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
