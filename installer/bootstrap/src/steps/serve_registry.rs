//! A host serves what the Sovereign reconciles from.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::k3s::Artifact;
use sovereign_core::registry::{NODE_REGISTRY, NodeRegistry, RegistryKey};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_images::certificate::issue;
use sovereign_remote::NodeId;

use super::addresses::Addresses;
use super::conversation::{Conversation, failed};
use super::place::HostPlace;
use super::prepare_host::PrepareHost;
use super::registry_authority::{self, MakeRegistryAuthority, broken};
use crate::services::Services;

/// Lets a host serve the kit to itself and its pods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServeRegistry {
    /// The host.
    pub node: NodeId,
    /// It is what it is to be.
    pub prepared: StepRef<PrepareHost>,
    /// Where it is.
    pub place: HostPlace,
    /// What its certificate is by is made.
    pub authority: StepRef<MakeRegistryAuthority>,
    /// What it serves.
    pub kit: Artifact,
}

/// A registry that was seen to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServedRegistry {
    /// Name of the node.
    pub node: String,
    /// Digest of what it is.
    pub digest: String,
}

impl Step for ServeRegistry {
    const KIND: &'static str = "registry.node";
    type Services = Services;
    type Output = ServedRegistry;

    fn deadline(&self) -> Duration {
        Duration::from_mins(15)
    }

    /// The agent itself says which order it followed last, and whole.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ServedRegistry>, StepError> {
        self.place.call(cx, &self.node).await?;
        let digest = self.order(cx).await?.digest();
        let serves = Conversation::new(cx, &self.node)
            .has_followed(&digest, |hello| hello.serves.as_ref(), registry_serves)
            .await?;
        Ok(serves.then(|| self.made(digest)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ServedRegistry, StepError> {
        let order = self.order(cx).await?;
        let digest = order.digest();
        Conversation::new(cx, &self.node)
            .ask(
                &ToAgent::ServeRegistry(Box::new(order)),
                "the host to serve the kit",
                |event| registry_serves(event, &digest),
            )
            .await?;
        Ok(self.made(digest))
    }

    /// A server goes as a whole; what was put on a machine goes with its enrolment.
    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl ServeRegistry {
    fn made(&self, digest: String) -> ServedRegistry {
        ServedRegistry {
            node: self.node.node.clone(),
            digest,
        }
    }

    /// The order with a fresh certificate, whose key is nowhere but in it.
    async fn order(&self, cx: &StepContext<'_, Services>) -> Result<NodeRegistry, StepError> {
        let ca = registry_authority::kept(cx, &self.node.sovereign).await?;
        let ca = ca.ok_or_else(|| StepError::Fatal {
            cause: "the CA of the Sovereign's registries is gone".into(),
            remedy: "restore the state directory from a backup, or destroy the Sovereign and make it anew"
                .into(),
        })?;
        let names = names(&Addresses::of(cx, &self.place)?);
        let server = issue(&ca, &names).map_err(broken)?;
        Ok(NodeRegistry {
            archive: self.kit.clone(),
            address: NODE_REGISTRY,
            names,
            ca_pem: ca.certificate_pem,
            certificate_pem: server.certificate_pem,
            key: RegistryKey::new(server.key_pem.expose_secret()),
        })
    }
}

/// What a host's registry is called by: the address that it has on every node, and the host's own.
fn names(host: &Addresses) -> Vec<String> {
    let everywhere = [*NODE_REGISTRY.ip(), Ipv4Addr::LOCALHOST].map(IpAddr::from);
    let own = host.node.into_iter().chain(host.external);
    let mut names: Vec<String> = everywhere
        .into_iter()
        .chain(own)
        .map(|ip| ip.to_string())
        .collect();
    names.extend(host.join.clone().filter(|join| !names.contains(join)));
    names
}

/// The answer to an order to serve what that digest names.
fn registry_serves(event: &AgentEventKind, digest: &str) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::RegistryServes { digest: done, .. } if done == digest => Some(Ok(())),
        other => failed(other, digest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_called_by_its_place_and_by_its_host() {
        let cloud = Addresses {
            node: Some([10, 0, 0, 2].into()),
            external: Some([192, 0, 2, 7].into()),
            join: Some("10.0.0.2".into()),
        };
        assert_eq!(
            names(&cloud),
            ["169.254.20.20", "127.0.0.1", "10.0.0.2", "192.0.2.7"]
        );
        let machine = Addresses {
            node: None,
            external: None,
            join: Some("metal.acme.example".into()),
        };
        assert_eq!(
            names(&machine),
            ["169.254.20.20", "127.0.0.1", "metal.acme.example"]
        );
    }
}
