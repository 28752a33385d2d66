//! The kit runs in the cluster, by proof.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::k3s::Artifact;
use sovereign_core::kit_order::KitOrder;
use sovereign_core::spec::KitProfile;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::conversation::{Conversation, failed};
use super::place::HostPlace;
use super::registry_authority::MakeRegistryAuthority;
use crate::cluster::KitPlan;
use crate::services::Services;

/// Lets the agent of the server that made the cluster bring the kit into it, and waits until every part of it is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstallKit {
    /// The server that made the cluster.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
    /// The CA of the registries that the kit comes from.
    pub authority: StepRef<MakeRegistryAuthority>,
    /// The archive with the kit, which the registries serve.
    pub archive: Artifact,
    /// The kit in it.
    pub kit: KitPlan,
    /// Which components, how large.
    pub profile: KitProfile,
    /// The values of its variables.
    pub variables: BTreeMap<String, String>,
}

/// A kit that runs by proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InstalledKit {
    /// Digest of the order that was followed.
    pub digest: String,
}

impl Step for InstallKit {
    const KIND: &'static str = "kit.install";
    type Services = Services;
    type Output = InstalledKit;

    /// Twelve components, fifteen minutes each at the most, as deep as they depend on each other.
    fn deadline(&self) -> Duration {
        Duration::from_mins(90)
    }

    /// The agent itself says which order it followed last, and whole.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<InstalledKit>, StepError> {
        self.place.call(cx, &self.node).await?;
        let digest = self.order(cx)?.digest();
        let proven = Conversation::new(cx, &self.node)
            .has_followed(&digest, |hello| hello.kit.as_ref(), kit_proven)
            .await?;
        Ok(proven.then_some(InstalledKit { digest }))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<InstalledKit, StepError> {
        let order = self.order(cx)?;
        let digest = order.digest();
        Conversation::new(cx, &self.node)
            .ask(
                &ToAgent::InstallKit(Box::new(order)),
                "every part of the kit to be proven",
                |event| kit_proven(event, &digest),
            )
            .await?;
        Ok(InstalledKit { digest })
    }

    /// The kit goes with the cluster.
    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl InstallKit {
    /// The order with everything that was learned.
    fn order(&self, cx: &StepContext<'_, Services>) -> Result<KitOrder, StepError> {
        Ok(KitOrder {
            archive: self.archive.clone(),
            kit: self.kit.digest.clone(),
            profile: self.profile,
            variables: self.variables.clone(),
            signer: self.kit.signer.clone(),
            registry_ca: cx.output(&self.authority)?.ca_pem,
        })
    }
}

/// The answer to an order to bring in the kit that the digest names.
fn kit_proven(event: &AgentEventKind, digest: &str) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::KitProven { digest: done, .. } if done == digest => Some(Ok(())),
        other => failed(other, digest),
    }
}
