//! A host is a node of the cluster.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::host::HostRole;
use sovereign_core::k3s::{JoinToken, K3sNode, K3sRole};
use sovereign_core::registry::NODE_REGISTRY;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::addresses::Addresses;
use super::conversation::{Conversation, failed};
use super::join_token::{self, MakeJoinToken, Slot};
use super::place::HostPlace;
use super::serve_registry::ServeRegistry;
use crate::cluster::NodePlan;
use crate::services::Services;

/// Lets a host run k3s. One host of all makes the cluster, and the others join by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunK3s {
    /// The host.
    pub node: NodeId,
    /// It serves what k3s fetches.
    pub served: StepRef<ServeRegistry>,
    /// Where it is.
    pub place: HostPlace,
    /// What lets it in is made.
    pub token: StepRef<MakeJoinToken>,
    /// Where the host is that makes the cluster.
    pub first: HostPlace,
    /// What it runs.
    pub plan: NodePlan,
}

/// A host that is a node of the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ClusterNode {
    /// Its name.
    pub node: String,
    /// Digest of what it runs.
    pub digest: String,
}

impl Step for RunK3s {
    const KIND: &'static str = "cluster.node";
    type Services = Services;
    type Output = ClusterNode;

    fn deadline(&self) -> Duration {
        Duration::from_mins(15)
    }

    /// The agent itself says which order it followed last, and whole.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ClusterNode>, StepError> {
        self.place.call(cx, &self.node).await?;
        let digest = self.order(cx).await?.digest();
        let runs = Conversation::new(cx, &self.node)
            .has_followed(&digest, |hello| hello.runs.as_ref(), k3s_runs)
            .await?;
        Ok(runs.then(|| self.made(digest)))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ClusterNode, StepError> {
        let order = self.order(cx).await?;
        let digest = order.digest();
        Conversation::new(cx, &self.node)
            .ask(
                &ToAgent::RunK3s(Box::new(order)),
                "the host to become a node of the cluster",
                |event| k3s_runs(event, &digest),
            )
            .await?;
        Ok(self.made(digest))
    }

    /// A server goes as a whole; what was put on a machine goes with its enrolment.
    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl RunK3s {
    fn made(&self, digest: String) -> ClusterNode {
        ClusterNode {
            node: self.node.node.clone(),
            digest,
        }
    }

    /// The order with everything that was learned.
    async fn order(&self, cx: &StepContext<'_, Services>) -> Result<K3sNode, StepError> {
        let own = Addresses::of(cx, &self.place)?;
        let first = Addresses::of(cx, &self.first)?;
        let join = first.join.ok_or_else(|| StepError::Fatal {
            cause: "the host that makes the cluster has no address that others could join by".into(),
            remedy: "give the servers a private network or public addresses in the spec".into(),
        })?;
        let token = join_token::kept(cx, &self.node.sovereign, Slot::Current).await?;
        let token = token.ok_or_else(|| StepError::Fatal {
            cause: "the secret that lets nodes into the cluster is gone".into(),
            remedy: "restore the state directory from a backup, or destroy the Sovereign and make it anew"
                .into(),
        })?;
        let plan = &self.plan;
        Ok(K3sNode {
            binary: plan.binary.clone(),
            version: plan.version.clone(),
            role: match plan.role {
                HostRole::FirstControlPlane => K3sRole::Init,
                HostRole::ControlPlane => K3sRole::Server { join },
                HostRole::Worker => K3sRole::Agent { join },
            },
            node_name: self.node.node.clone(),
            node_ip: own.node,
            external_ip: own.external,
            tls_sans: plan.tls_sans.iter().cloned().chain(own.reached()).collect(),
            pods: plan.pods,
            services: plan.services,
            labels: plan.labels.clone(),
            registry: NODE_REGISTRY,
            token: JoinToken::new(token.expose_secret()),
        })
    }
}

/// The answer to an order to run what that digest names.
fn k3s_runs(event: &AgentEventKind, digest: &str) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::K3sRuns { digest: done, .. } if done == digest => Some(Ok(())),
        other => failed(other, digest),
    }
}
