//! The nodes that were planned are there, ready, and no others.

use std::collections::BTreeSet;

use kube::api::DynamicObject;

use crate::cluster::glance::{Glance, NODE};
use crate::condition::Condition;
use crate::fault::Fault;
use crate::nodes::lost;
use crate::standing::Standing;

pub(super) async fn look(glance: &Glance<'_>, planned: &[String]) -> Result<Standing, Fault> {
    let nodes = glance.all(NODE).await?;
    Ok(judge(&nodes, planned))
}

fn judge(nodes: &[DynamicObject], planned: &[String]) -> Standing {
    let names: BTreeSet<&str> = nodes
        .iter()
        .filter_map(|node| node.metadata.name.as_deref())
        .collect();
    let planned: BTreeSet<&str> = planned.iter().map(String::as_str).collect();
    let missing: Vec<&str> = planned.difference(&names).copied().collect();
    if !missing.is_empty() {
        return Standing::Missing(format!("nodes {}", missing.join(", ")));
    }
    let strangers: Vec<&str> = names.difference(&planned).copied().collect();
    if !strangers.is_empty() {
        let cause = format!("nodes that nobody planned: {}", strangers.join(", "));
        let remedy = "find out where they come from; `kubectl delete node` takes one away";
        return Standing::Stalled(Fault::new(cause, remedy));
    }
    if let Some(fault) = lost(nodes) {
        return Standing::Failed(fault);
    }
    let open: Vec<&str> = nodes
        .iter()
        .filter(|node| !Condition::is_true(node, "Ready"))
        .filter_map(|node| node.metadata.name.as_deref())
        .collect();
    if !open.is_empty() {
        return Standing::Waiting(format!("not ready: {}", open.join(", ")));
    }
    let versions: BTreeSet<&str> = nodes.iter().filter_map(version).collect();
    let versions: Vec<&str> = versions.into_iter().collect();
    match versions.as_slice() {
        [version] => Standing::proven(false, format!("{} ready, {version}", nodes.len())),
        many => Standing::Waiting(format!("they run different versions: {}", many.join(", "))),
    }
}

fn version(node: &DynamicObject) -> Option<&str> {
    node.data["status"]["nodeInfo"]["kubeletVersion"].as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn node(name: &str, ready: &str, version: &str) -> DynamicObject {
        serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
            "status": {"conditions": [{"type": "Ready", "status": ready}], "nodeInfo": {"kubeletVersion": version}},
        }))
        .unwrap()
    }

    #[test]
    fn the_planned_nodes_and_no_others() {
        let planned = ["a".to_owned(), "b".to_owned()];
        let (a, b) = (node("a", "True", "v1"), node("b", "True", "v1"));
        assert!(judge(&[a.clone(), b.clone()], &planned).is_proven());
        assert!(matches!(
            judge(std::slice::from_ref(&a), &planned),
            Standing::Missing(_)
        ));
        let more = [a.clone(), b, node("c", "True", "v1")];
        assert!(matches!(judge(&more, &planned), Standing::Stalled(_)));
        assert!(matches!(
            judge(&[a.clone(), node("b", "False", "v1")], &planned),
            Standing::Waiting(_)
        ));
        assert!(matches!(
            judge(&[a, node("b", "True", "v2")], &planned),
            Standing::Waiting(_)
        ));
    }
}
