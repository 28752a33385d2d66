//! The cloud token that stays: the Sovereign's own, where the cloud's controllers look for it.
//!
//! Hetzner's cloud-controller-manager reads the keys `token` and `network` (a number or a name), its CSI driver `token`.
//! (github.com/hetznercloud/hcloud-cloud-controller-manager and csi-driver, `chart/values.yaml`)

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::api::DynamicObject;
use serde_json::{Value, json};
use sovereign_core::hand_off::CloudToken;

use crate::cluster::{AGENT, Cluster, ObjectId, object};
use crate::fault::Fault;
use crate::standing::Standing;

const NAMESPACE: &str = "kube-system";
const NAME: &str = "hcloud";

/// Puts the token into the cluster.
pub(super) async fn give(cluster: &Cluster, given: &CloudToken) -> Result<Standing, Fault> {
    let id = ObjectId::new("v1", "Secret", Some(NAMESPACE), NAME);
    let before = cluster.get(&id).await?;
    let applied = cluster.apply(&object(secret(given))?, AGENT).await?;
    Ok(Standing::proven(
        version(before.as_ref()) != version(Some(&applied)),
        seen(given),
    ))
}

/// Values as the API keeps them: of what is written as `stringData` it forgets no key that was left out later.
fn secret(given: &CloudToken) -> Value {
    let token = Some(("token", given.token.expose()));
    let network = given.network.as_deref().map(|name| ("network", name));
    let data: BTreeMap<&str, String> = token
        .into_iter()
        .chain(network)
        .map(|(key, value)| (key, STANDARD.encode(value)))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": NAME, "namespace": NAMESPACE}, "data": data})
}

fn seen(given: &CloudToken) -> String {
    let network = given.network.as_deref();
    let network = network.map_or(String::new(), |name| format!(", for the network `{name}`"));
    format!("the Sovereign's own is in Secret {NAMESPACE}/{NAME}{network}")
}

fn version(object: Option<&DynamicObject>) -> Option<&str> {
    object?.metadata.resource_version.as_deref()
}

#[cfg(test)]
mod tests {
    use sovereign_core::secret::SentSecret;

    use super::*;

    fn given(network: Option<&str>) -> CloudToken {
        CloudToken {
            token: SentSecret::new("canary"),
            network: network.map(str::to_owned),
        }
    }

    #[test]
    fn controllers_find_the_token_and_the_network_and_nobody_else_is_told_the_token() {
        let with = given(Some("acme-fsn-net"));
        let object = secret(&with);
        assert_eq!(object["data"]["token"], STANDARD.encode("canary"));
        assert_eq!(object["data"]["network"], STANDARD.encode("acme-fsn-net"));
        let told = format!("{} {with:?}", seen(&with));
        assert!(
            told.contains("acme-fsn-net") && !told.contains("canary"),
            "{told}"
        );
    }

    #[test]
    fn without_a_private_network_there_is_no_key_for_it() {
        let object = secret(&given(None));
        assert_eq!(object["data"].as_object().unwrap().len(), 1);
        assert!(!seen(&given(None)).contains("network"));
    }
}
