//! What the kit is given before Flux reads it: the values of its variables, whom it trusts, and secrets that nobody has seen.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use sovereign_core::kit::{GeneratedSecret, KitManifest, NAMESPACE, PUBLIC_KEY, REGISTRY_CA, ROOT};
use sovereign_core::kit_order::KitOrder;

use crate::cluster::{AGENT, Cluster, object};
use crate::fault::Fault;
use crate::standing::Standing;

/// Puts all of it into the cluster. A secret that is there stays as it is.
pub(super) async fn give(
    cluster: &Cluster,
    manifest: &KitManifest,
    order: &KitOrder,
) -> Result<Standing, Fault> {
    let secrets: Vec<&GeneratedSecret> = manifest.secrets(order.profile).collect();
    let namespaces: BTreeSet<&str> = secrets.iter().map(|secret| secret.namespace.as_str()).collect();
    let mut made = 0;
    for name in namespaces.into_iter().chain([NAMESPACE]) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        made += usize::from(cluster.create(&object(namespace)?, AGENT).await?);
    }
    for settled in settled(order) {
        cluster.apply(&object(settled)?, AGENT).await?;
    }
    for secret in &secrets {
        made += usize::from(cluster.create(&object(random(secret))?, AGENT).await?);
    }
    let seen = format!("{} values, {} secrets", order.variables.len(), secrets.len());
    Ok(Standing::proven(made > 0, seen))
}

/// What follows from the order alone.
fn settled(order: &KitOrder) -> [Value; 3] {
    let named = |name: &str| json!({"name": name, "namespace": NAMESPACE});
    [
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": named(ROOT), "data": order.variables}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": named(REGISTRY_CA),
            "stringData": {"ca.crt": order.registry_ca}}),
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": named(PUBLIC_KEY),
            "stringData": {"cosign.pub": order.signer}}),
    ]
}

/// A secret with values of 256 random bits. It is made on the node and known to the cluster alone.
fn random(secret: &GeneratedSecret) -> Value {
    let values = secret
        .keys
        .iter()
        .map(|key| (key.clone(), hex::encode(rand::random::<[u8; 32]>())));
    let data: BTreeMap<String, String> = secret.known.clone().into_iter().chain(values).collect();
    json!({"apiVersion": "v1", "kind": "Secret", "stringData": data,
        "metadata": {"name": secret.name, "namespace": secret.namespace}})
}
