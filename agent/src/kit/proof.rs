//! Whether the cluster shows what a proof asks for.

use kube::api::DynamicObject;
use serde_json::Value;
use sovereign_core::kit::Proof;

use crate::cluster::ObjectId;
use crate::cluster::glance::Glance;
use crate::condition::Condition;
use crate::standing::Standing;

const CRD: (&str, &str) = ("apiextensions.k8s.io/v1", "CustomResourceDefinition");

/// Looks at what the proof names.
pub(super) async fn look(glance: &Glance<'_>, proof: &Proof) -> Standing {
    let id = subject(proof);
    match glance.get(&id).await {
        Ok(Some(object)) => judge(proof, &object),
        Ok(None) => Standing::Missing(id.to_string()),
        Err(fault) => Standing::Unknown(fault),
    }
}

/// The object that shows it.
fn subject(proof: &Proof) -> ObjectId {
    match proof {
        Proof::Condition {
            api_version,
            kind,
            namespace,
            name,
            ..
        } => ObjectId::new(api_version, kind, namespace.as_deref(), name),
        Proof::Rollout {
            kind,
            namespace,
            name,
        } => ObjectId::new("apps/v1", kind.as_str(), Some(namespace), name),
        Proof::Established { name } => ObjectId::new(CRD.0, CRD.1, None, name),
        Proof::Bound { namespace, name } => {
            ObjectId::new("v1", "PersistentVolumeClaim", Some(namespace), name)
        }
    }
}

fn judge(proof: &Proof, object: &DynamicObject) -> Standing {
    let shown = match proof {
        Proof::Condition { r#type, status, .. } => condition(object, r#type, status),
        Proof::Rollout { kind, .. } => rollout(object, kind.as_str() == "DaemonSet"),
        Proof::Established { .. } => condition(object, "Established", "True"),
        Proof::Bound { .. } => phase(object, "Bound"),
    };
    match shown {
        Ok(()) => Standing::proven(false, proof.to_string()),
        Err(seen) => Standing::Waiting(format!("not yet: {proof}; {seen}")),
    }
}

fn condition(object: &DynamicObject, wanted: &str, status: &str) -> Result<(), String> {
    let Some(condition) = Condition::of(object, wanted) else {
        return Err(format!("it says nothing of {wanted} yet"));
    };
    if !condition.is_current(object) {
        return Err("it speaks of an older generation".into());
    }
    if condition.status == status {
        return Ok(());
    }
    Err(format!("{wanted} is {}: {}", condition.status, condition.words()))
}

/// As `kubectl rollout status` judges it.
fn rollout(object: &DynamicObject, daemon_set: bool) -> Result<(), String> {
    let status = &object.data["status"];
    let number = |value: &Value| value.as_i64().unwrap_or_default();
    if number(&status["observedGeneration"]) < object.metadata.generation.unwrap_or_default() {
        return Err("its controller has not seen it yet".into());
    }
    let (wanted, updated, ready) = if daemon_set {
        (
            number(&status["desiredNumberScheduled"]),
            number(&status["updatedNumberScheduled"]),
            number(&status["numberAvailable"]),
        )
    } else {
        let replicas = object.data["spec"]["replicas"].as_i64().unwrap_or(1);
        (
            replicas,
            number(&status["updatedReplicas"]),
            number(&status["readyReplicas"]),
        )
    };
    if wanted > 0 && updated >= wanted && ready >= wanted {
        return Ok(());
    }
    Err(format!("{ready} of {wanted} ready, {updated} of this generation"))
}

fn phase(object: &DynamicObject, wanted: &str) -> Result<(), String> {
    match object.data["status"]["phase"].as_str() {
        Some(phase) if phase == wanted => Ok(()),
        Some(phase) => Err(format!("it is {phase}")),
        None => Err("it has no phase yet".into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sovereign_core::kit::Workload;

    use super::*;

    fn object(value: Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn deployment(generation: i64, observed: i64, ready: i64) -> DynamicObject {
        object(json!({
            "metadata": {"name": "a", "generation": generation},
            "spec": {"replicas": 2},
            "status": {"observedGeneration": observed, "updatedReplicas": 2, "readyReplicas": ready},
        }))
    }

    #[test]
    fn a_rollout_is_proven_by_every_replica_of_this_generation() {
        let proof = Proof::Rollout {
            kind: Workload::Deployment,
            namespace: "ns".into(),
            name: "a".into(),
        };
        assert!(judge(&proof, &deployment(3, 3, 2)).is_proven());
        assert!(!judge(&proof, &deployment(3, 2, 2)).is_proven());
        assert!(!judge(&proof, &deployment(3, 3, 1)).is_proven());
        let none = object(json!({
            "metadata": {"name": "a", "generation": 1},
            "spec": {"replicas": 0}, "status": {"observedGeneration": 1},
        }));
        assert!(
            !judge(&proof, &none).is_proven(),
            "nothing that runs proves nothing"
        );
    }

    #[test]
    fn a_daemon_set_without_nodes_is_not_rolled_out() {
        let proof = Proof::Rollout {
            kind: Workload::DaemonSet,
            namespace: "ns".into(),
            name: "a".into(),
        };
        let set = |wanted: i64| {
            object(json!({
                "metadata": {"name": "a", "generation": 1},
                "status": {"observedGeneration": 1, "desiredNumberScheduled": wanted,
                    "updatedNumberScheduled": wanted, "numberAvailable": wanted},
            }))
        };
        assert!(!judge(&proof, &set(0)).is_proven());
        assert!(judge(&proof, &set(3)).is_proven());
    }

    #[test]
    fn a_condition_of_an_older_generation_proves_nothing() {
        let proof = Proof::Condition {
            api_version: "v1".into(),
            kind: "Thing".into(),
            namespace: None,
            name: "a".into(),
            r#type: "Ready".into(),
            status: "True".into(),
        };
        let thing = |generation: i64| {
            object(json!({
                "metadata": {"name": "a", "generation": generation},
                "status": {"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}]},
            }))
        };
        assert!(judge(&proof, &thing(1)).is_proven());
        assert!(!judge(&proof, &thing(2)).is_proven());
    }
}
