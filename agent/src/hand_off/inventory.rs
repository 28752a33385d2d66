//! What the cloud has of this Sovereign, for whoever manages it from now on.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use sovereign_core::kit::NAMESPACE;

use crate::cluster::{AGENT, Cluster, object};
use crate::fault::Fault;
use crate::standing::Standing;

/// The `ConfigMap` that has it.
const NAME: &str = "sovereign-inventory";

/// Puts the list into the cluster.
pub(super) async fn put(cluster: &Cluster, list: &str) -> Result<Standing, Fault> {
    let seen = seen(list)?;
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": NAME, "namespace": NAMESPACE},
        "data": {"managed-resources.yaml": list}});
    cluster.apply(&object(map)?, AGENT).await?;
    Ok(Standing::proven(false, seen))
}

/// How many there are of each kind.
fn seen(list: &str) -> Result<String, Fault> {
    #[derive(Deserialize)]
    struct Listed {
        kind: String,
    }
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for document in list.split("---\n").filter(|one| !one.trim().is_empty()) {
        let listed: Listed = serde_json::from_str(document).map_err(|error| {
            let cause = format!("the list of the cloud's resources cannot be read: {error}");
            Fault::new(cause, "please report this")
        })?;
        *counts.entry(listed.kind).or_default() += 1;
    }
    let counts: Vec<String> = counts
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let counts = if counts.is_empty() {
        "nothing of a cloud".to_owned()
    } else {
        counts.join(", ")
    };
    Ok(format!("ConfigMap {NAMESPACE}/{NAME}: {counts}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_there_is_of_each_kind() {
        let list = ["Server", "Network", "Server"].map(|kind| {
            let document = json!({"kind": kind, "metadata": {"name": "a"}});
            format!("---\n{document:#}\n")
        });
        assert_eq!(
            seen(&list.concat()).unwrap(),
            "ConfigMap flux-system/sovereign-inventory: 1 Network, 2 Server"
        );
        assert!(seen("").unwrap().ends_with("nothing of a cloud"));
        assert!(seen("---\nkind Server\n").is_err());
    }
}
