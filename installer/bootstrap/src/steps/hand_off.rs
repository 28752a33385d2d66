//! The Sovereign is proven to go on by itself, and its operator gets what is needed to run it.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::hand_off::{CloudToken, HandOffOrder};
use sovereign_core::k3s::JoinToken;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::addresses::Addresses;
use super::conversation::{Conversation, failed};
use super::error::step_error;
use super::join_token::{Slot, kept};
use super::own_token::PlannedToken;
use super::place::HostPlace;
use crate::services::Services;
use crate::teardown::{Holdings, Scope, list_everything};

/// Port of the API server.
const API: u16 = 6443;

/// Lets the server that made the cluster prove that it goes on by itself, and seal the kubeconfig to the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandOff {
    /// The server that made the cluster.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
    /// Names of all nodes.
    pub nodes: Vec<String>,
    /// Whom the kubeconfig is sealed to.
    pub recipients: Vec<String>,
    /// What counts as the Sovereign's in the cloud's account; none for machines that are there.
    pub scope: Option<Scope>,
    /// Says that the Sovereign gets a cloud token of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_token: Option<PlannedToken>,
}

/// What the operator gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandedOff {
    /// The administrator's kubeconfig, sealed to the operator's keys, in age's armor.
    pub kubeconfig: String,
    /// Fingerprint of the cloud token that the installer worked with; none for machines that are there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installer_token: Option<String>,
    /// What was seen with the Sovereign's own cloud token, if it was given one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<String>,
}

/// What of the order concerns the cloud's account.
#[derive(Debug, Default)]
struct Account {
    inventory: String,
    token: Option<CloudToken>,
    evidence: Option<String>,
}

impl Step for HandOff {
    const KIND: &'static str = "sovereign.hand_off";
    type Services = Services;
    type Output = HandedOff;

    fn deadline(&self) -> Duration {
        Duration::from_hours(1)
    }

    /// What was proven for an earlier run proves nothing for this one.
    async fn find(&self, _: &StepContext<'_, Services>) -> Result<Option<HandedOff>, StepError> {
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<HandedOff, StepError> {
        self.place.call(cx, &self.node).await?;
        let (order, evidence) = self.order(cx).await?;
        let digest = order.digest();
        let kubeconfig = Conversation::new(cx, &self.node)
            .ask(
                &ToAgent::HandOff(Box::new(order)),
                "the Sovereign to prove that it goes on by itself",
                |event| handed_off(event, &digest),
            )
            .await?;
        Ok(HandedOff {
            kubeconfig,
            installer_token: cx.services.token.clone(),
            evidence,
        })
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl HandOff {
    /// The order, and what was seen with the token in it.
    async fn order(
        &self,
        cx: &StepContext<'_, Services>,
    ) -> Result<(HandOffOrder, Option<String>), StepError> {
        let old = kept(cx, &self.node.sovereign, Slot::Old).await?;
        let old = old.ok_or_else(|| StepError::Fatal {
            cause: "the secret that nodes joined by was never changed".into(),
            remedy: "run `sovereign up` again: it changes it first".into(),
        })?;
        let account = self.account(cx).await?;
        Ok((
            HandOffOrder {
                nodes: self.nodes.clone(),
                api: self.api(cx)?,
                recipients: self.recipients.clone(),
                inventory: account.inventory,
                old_token: JoinToken::new(old.expose_secret()),
                cloud_token: account.token,
            },
            account.evidence,
        ))
    }

    /// Where the operator reaches the API: at the server that made the cluster, which the firewalls open to administrators alone. The
    /// Sovereign's names lead to its load balancer, and that serves what is for the world.
    fn api(&self, cx: &StepContext<'_, Services>) -> Result<String, StepError> {
        let host = Addresses::of(cx, &self.place)?.reached();
        let host = host.ok_or_else(|| StepError::Fatal {
            cause: format!("`{}` has no address by which its API is reached", self.node.node),
            remedy: "give the servers a private network or public addresses in the spec".into(),
        })?;
        Ok(api_url(&host))
    }

    /// What of the order concerns the cloud's account; nothing for machines that are there.
    async fn account(&self, cx: &StepContext<'_, Services>) -> Result<Account, StepError> {
        let Some(scope) = &self.scope else {
            return Ok(Account::default());
        };
        let everything = list_everything(cx.services.cloud()?).await.map_err(step_error)?;
        let (token, evidence) = match &self.cloud_token {
            Some(planned) => {
                let (token, evidence) = planned.shown(cx, &everything, scope).await?;
                (Some(token), Some(evidence))
            }
            None => (None, None),
        };
        Ok(Account {
            inventory: inventory(&everything, scope.clone()),
            token,
            evidence,
        })
    }
}

fn api_url(host: &str) -> String {
    match host.parse() {
        Ok(ip) => format!("https://{}", SocketAddr::new(ip, API)),
        Err(_) => format!("https://{host}:{API}"),
    }
}

/// Everything in the account that is the Sovereign's, one document each, in the form in which Crossplane takes over what is there:
/// by external name, and observed only.
fn inventory(everything: &[Resource], scope: Scope) -> String {
    let holdings = Holdings::judge(everything, scope);
    let documents = holdings.items.iter().map(|holding| managed(&holding.resource));
    // JSON is YAML: documents are told apart by the line between them.
    let documents: Vec<String> = documents.map(|one| format!("---\n{one:#}\n")).collect();
    documents.concat()
}

/// All that a managed resource needs but its `apiVersion`: that is the group of the provider that the Sovereign's owner chooses.
fn managed(resource: &Resource) -> serde_json::Value {
    json!({
        "kind": managed_kind(resource.kind),
        "metadata": {
            "name": resource.name,
            "labels": resource.labels,
            "annotations": {"crossplane.io/external-name": resource.id.to_string()},
        },
        "spec": {"managementPolicies": ["Observe"]},
    })
}

/// As providers that Upjet generates name it (github.com/crossplane/upjet, `pkg/types/name`).
fn managed_kind(kind: ResourceKind) -> &'static str {
    match kind {
        ResourceKind::LoadBalancer => "LoadBalancer",
        ResourceKind::Server => "Server",
        ResourceKind::Volume => "Volume",
        ResourceKind::PrimaryIp => "PrimaryIP",
        ResourceKind::FloatingIp => "FloatingIP",
        ResourceKind::Firewall => "Firewall",
        ResourceKind::PlacementGroup => "PlacementGroup",
        ResourceKind::Network => "Network",
        ResourceKind::Snapshot => "Snapshot",
        ResourceKind::Certificate => "Certificate",
        ResourceKind::SshKey => "SSHKey",
    }
}

fn handed_off(event: &AgentEventKind, digest: &str) -> Option<Result<String, StepError>> {
    match event {
        AgentEventKind::HandedOff {
            digest: done,
            kubeconfig,
            ..
        } if done == digest => Some(Ok(kubeconfig.clone())),
        other => failed(other, digest),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use sovereign_cloud::label::{self, Labels};

    use super::*;

    #[test]
    fn an_api_is_reached_by_address_or_name() {
        assert_eq!(api_url("203.0.113.7"), "https://203.0.113.7:6443");
        assert_eq!(api_url("2001:db8::7"), "https://[2001:db8::7]:6443");
        assert_eq!(
            api_url("metal-1.acme.example"),
            "https://metal-1.acme.example:6443"
        );
    }

    #[test]
    fn every_kind_of_resource_is_there_to_be_observed_by_its_number() {
        let labels = Labels::from([(label::SOVEREIGN.to_owned(), "acme".to_owned())]);
        let resources: Vec<Resource> = (1..)
            .zip(ResourceKind::ALL)
            .map(|(id, kind)| Resource::new(kind, id, format!("acme-{id}"), labels.clone()))
            .collect();
        let list = inventory(&resources, Scope::of("acme".parse().unwrap()));
        let documents = list.split("---\n").filter(|one| !one.is_empty());
        let mut kinds = BTreeSet::new();
        for document in documents {
            let managed: serde_json::Value = serde_json::from_str(document).unwrap();
            let metadata = &managed["metadata"];
            let id = metadata["annotations"]["crossplane.io/external-name"]
                .as_str()
                .unwrap();
            assert_eq!(metadata["name"], format!("acme-{id}"));
            assert_eq!(metadata["labels"][label::SOVEREIGN], "acme");
            assert_eq!(managed["spec"]["managementPolicies"], json!(["Observe"]));
            kinds.insert(managed["kind"].as_str().unwrap().to_owned());
        }
        assert_eq!(kinds.len(), ResourceKind::ALL.len(), "{kinds:?}");
        assert!(kinds.contains("LoadBalancer") && kinds.contains("SSHKey"));
    }
}
