//! Nodes that the cluster hears no more of.

use kube::api::DynamicObject;

use crate::cluster::glance::{Glance, NODE};
use crate::condition::Condition;
use crate::fault::Fault;
use crate::standing::Standing;

const REMEDY: &str =
    "see on its console whether the host runs, and start it: all goes on by itself once it answers";

/// Whether every node is heard of. One that is not ready yet, but talks, is none of this.
pub(crate) async fn look(glance: &Glance<'_>) -> Result<Standing, Fault> {
    let nodes = glance.all(NODE).await?;
    Ok(match lost(&nodes) {
        Some(fault) => Standing::Failed(fault),
        None => Standing::proven(false, format!("{} heard of", nodes.len())),
    })
}

/// What is said of nodes whose kubelet has fallen silent: the node controller calls their readiness unknown.
/// (kubernetes.io/docs/reference/node/node-status/#condition)
pub(crate) fn lost(nodes: &[DynamicObject]) -> Option<Fault> {
    let lost = nodes.iter().filter_map(|node| {
        let ready = Condition::of(node, "Ready").filter(|ready| ready.status == "Unknown")?;
        let name = node.metadata.name.as_deref().unwrap_or_default();
        Some(format!("node {name} is lost: {}", ready.words()))
    });
    let lost: Vec<String> = lost.collect();
    (!lost.is_empty()).then(|| Fault::new(lost.join("; "), REMEDY))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(ready: &str, reason: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": "a"},
            "status": {"conditions": [{"type": "Ready", "status": ready, "reason": reason, "message": "it says"}]},
        }))
        .unwrap()
    }

    #[test]
    fn a_node_that_fell_silent_is_lost_and_one_without_a_network_is_not() {
        assert_eq!(
            lost(&[node("True", "KubeletReady"), node("False", "KubeletNotReady")]),
            None
        );
        let fault = lost(&[node("True", "KubeletReady"), node("Unknown", "NodeStatusUnknown")]).unwrap();
        assert_eq!(fault.cause, "node a is lost: NodeStatusUnknown: it says");
    }
}
