//! What keeps the pods of a workload from being ready, in the words of the kubelet and the scheduler.

use kube::api::DynamicObject;
use serde_json::Value;
use sovereign_core::kit::{Proof, Workload};

use super::{proof, watch};
use crate::cluster::ObjectId;
use crate::cluster::glance::Glance;
use crate::condition::Condition;
use crate::fault::Fault;
use crate::lines::line;

/// Reasons of a container that waits and will not go on by waiting, and what to do about each.
/// (kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle, and `pkg/kubelet/images/types.go`)
const REASONS: [(&[&str], &str); 3] = [
    (
        &[
            "ErrImagePull",
            "ImagePullBackOff",
            "InvalidImageName",
            "ErrImageNeverPull",
        ],
        "nobody gives the node that image: see whether its reference is right and whether the node reaches its registry; mend the component or the network, and the kubelet tries again by itself",
    ),
    (
        &["CrashLoopBackOff", "RunContainerError"],
        "its program ends: `kubectl logs --previous` of the pod says why; mend the component's values in the kit, pack it and run `sovereign up` again",
    ),
    (
        &["CreateContainerConfigError", "CreateContainerError"],
        "a Secret, ConfigMap or volume that it names is not there: `kubectl describe` the pod, mend the component in the kit, pack it and run `sovereign up` again",
    ),
];
const UNSCHEDULABLE: &str = "no node has room for it: give the Sovereign more or larger nodes, or the component smaller requests; it is scheduled by itself once there is room";

/// What keeps the pods of these proofs' workloads from running. Without an answer of the API nothing is known, and nothing said.
pub(super) async fn trouble(glance: &Glance<'_>, proofs: &[Proof]) -> Option<Fault> {
    for proof in proofs {
        let Proof::Rollout {
            kind,
            namespace,
            name,
        } = proof
        else {
            continue;
        };
        if proof::look(glance, proof).await.is_proven() {
            continue;
        }
        for pod in pods(glance, *kind, namespace, name).await? {
            if let Some(fault) = of_pod(&pod) {
                return Some(fault.with_log(watch::events(glance.cluster(), &pod).await));
            }
        }
    }
    None
}

/// The pods that a workload selects by labels.
async fn pods(
    glance: &Glance<'_>,
    kind: Workload,
    namespace: &str,
    name: &str,
) -> Option<Vec<DynamicObject>> {
    let id = ObjectId::new("apps/v1", kind.as_str(), Some(namespace), name);
    let Some(workload) = glance.get(&id).await.ok()? else {
        return Some(Vec::new());
    };
    let selector = selector(&workload.data["spec"]["selector"]["matchLabels"]);
    let mut pods = glance.cluster().labelled("v1", "Pod", &selector).await.ok()?;
    pods.retain(|pod| pod.metadata.namespace.as_deref() == Some(namespace));
    Some(pods)
}

fn selector(labels: &Value) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let equal = labels.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
    equal.collect::<Vec<_>>().join(",")
}

fn of_pod(pod: &DynamicObject) -> Option<Fault> {
    let name = format!(
        "Pod {}/{}",
        pod.metadata.namespace.as_deref().unwrap_or_default(),
        pod.metadata.name.as_deref().unwrap_or_default()
    );
    let scheduled = Condition::of(pod, "PodScheduled").filter(|scheduled| scheduled.status == "False");
    if let Some(scheduled) = scheduled {
        return Some(Fault::new(
            format!("{name}: {}", scheduled.words()),
            UNSCHEDULABLE,
        ));
    }
    let status = &pod.data["status"];
    let containers = ["initContainerStatuses", "containerStatuses"].map(|key| status[key].as_array());
    containers
        .into_iter()
        .flatten()
        .flatten()
        .find_map(|container| of_container(&name, container))
}

fn of_container(pod: &str, container: &Value) -> Option<Fault> {
    let waiting = &container["state"]["waiting"];
    let reason = waiting["reason"].as_str()?;
    let (_, remedy) = REASONS.iter().find(|(reasons, _)| reasons.contains(&reason))?;
    let mut cause = format!(
        "{pod}: container {} waits: {reason}",
        container["name"].as_str().unwrap_or_default()
    );
    let message = line(waiting["message"].as_str().unwrap_or_default());
    if !message.is_empty() {
        cause = format!("{cause}: {message}");
    }
    if let Some(code) = container["lastState"]["terminated"]["exitCode"].as_i64() {
        cause = format!("{cause}; it ended with exit code {code} before");
    }
    Some(Fault::new(cause, *remedy))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &Value) -> DynamicObject {
        let metadata = json!({"name": "web-1", "namespace": "shop"});
        serde_json::from_value(json!({"metadata": metadata, "status": status})).unwrap()
    }

    fn waits(reason: &str) -> Option<Fault> {
        of_pod(&pod(&json!({"containerStatuses": [{
            "name": "web", "state": {"waiting": {"reason": reason, "message": "back-off 10s\nrestarting"}},
            "lastState": {"terminated": {"exitCode": 3}},
        }]})))
    }

    #[test]
    fn what_will_not_go_on_by_waiting_is_told_with_its_remedy() {
        let fault = waits("CrashLoopBackOff").unwrap();
        assert_eq!(
            fault.cause,
            "Pod shop/web-1: container web waits: CrashLoopBackOff: back-off 10s restarting; it ended with exit code 3 before"
        );
        assert!(fault.remedy.contains("logs --previous"), "{}", fault.remedy);
        assert!(waits("ImagePullBackOff").unwrap().remedy.contains("registry"));
    }

    #[test]
    fn what_is_on_its_way_is_no_trouble() {
        assert_eq!(waits("ContainerCreating"), None);
        assert_eq!(waits("PodInitializing"), None);
        assert_eq!(of_pod(&pod(&json!({}))), None);
    }

    #[test]
    fn a_pod_without_a_node_is_told_in_the_schedulers_words() {
        let fault = of_pod(&pod(&json!({"conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes: Insufficient cpu",
        }]})));
        assert_eq!(
            fault.unwrap().cause,
            "Pod shop/web-1: Unschedulable: 0/1 nodes: Insufficient cpu"
        );
    }

    #[test]
    fn labels_become_a_selector() {
        assert_eq!(selector(&json!({"app": "web", "part": "a"})), "app=web,part=a");
    }
}
