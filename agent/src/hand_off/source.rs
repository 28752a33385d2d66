//! The Sovereign reconciles from a source of its own, and knows whose it is.

use sovereign_core::kit::{NAMESPACE, ROOT};
use sovereign_core::registry::NODE_REGISTRY;

use crate::cluster::ObjectId;
use crate::cluster::glance::Glance;
use crate::condition::Condition;
use crate::fault::Fault;
use crate::flux::OCI_REPOSITORY;
use crate::standing::Standing;

/// Every source is on the node itself; that of the tree was verified.
pub(super) async fn look(glance: &Glance<'_>) -> Result<Standing, Fault> {
    let sources = glance.all(OCI_REPOSITORY).await?;
    let own = format!("oci://{NODE_REGISTRY}/");
    let foreign: Vec<&str> = sources
        .iter()
        .filter(|one| {
            !one.data["spec"]["url"]
                .as_str()
                .is_some_and(|url| url.starts_with(&own))
        })
        .filter_map(|one| one.metadata.name.as_deref())
        .collect();
    if !foreign.is_empty() {
        let cause = format!(
            "these sources are outside of the Sovereign: {}",
            foreign.join(", ")
        );
        let remedy =
            "let the kit take them from the node registry: pack it anew and run `sovereign up` again";
        return Ok(Standing::Stalled(Fault::new(cause, remedy)));
    }
    let tree = ObjectId::new(OCI_REPOSITORY.0, OCI_REPOSITORY.1, Some(NAMESPACE), ROOT);
    let Some(tree) = glance.get(&tree).await? else {
        return Ok(Standing::Missing(tree.to_string()));
    };
    Ok(if Condition::is_true(&tree, "SourceVerified") {
        Standing::proven(
            false,
            format!(
                "{} sources, all on the nodes; the tree's signature is verified",
                sources.len()
            ),
        )
    } else {
        Standing::Waiting("Flux has not verified the tree's signature yet".into())
    })
}
