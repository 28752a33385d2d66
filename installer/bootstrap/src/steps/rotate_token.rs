//! The secret that let nodes in lets nobody in any more.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::k3s::JoinToken;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::conversation::{Conversation, failed};
use super::join_token::{Slot, drop_secret, fresh, keep, kept};
use super::place::HostPlace;
use crate::services::Services;

/// Name of the task on the node link.
const TASK: &str = "join-token";

/// Lets the cluster take nodes by another secret. The server that made it starts anew for that; the other nodes get the secret
/// afterwards, one server behind the other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RotateToken {
    /// The server that made the cluster.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
}

impl Step for RotateToken {
    const KIND: &'static str = "cluster.rotate_token";
    type Services = Services;
    type Output = ();

    fn deadline(&self) -> Duration {
        Duration::from_mins(15)
    }

    /// The old secret is kept until it has been shown that it opens nothing; a next one is there as long as it is under way.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        let sovereign = &self.node.sovereign;
        let old = kept(cx, sovereign, Slot::Old).await?;
        let next = kept(cx, sovereign, Slot::Next).await?;
        Ok((old.is_some() && next.is_none()).then_some(()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let sovereign = &self.node.sovereign;
        let current = kept(cx, sovereign, Slot::Current).await?.ok_or_else(gone)?;
        let next = if let Some(next) = kept(cx, sovereign, Slot::Next).await? {
            next
        } else {
            let next = fresh();
            keep(cx, sovereign, Slot::Next, &next).await?;
            next
        };
        self.place.call(cx, &self.node).await?;
        let order = ToAgent::RotateToken {
            old: token(&current),
            new: token(&next),
        };
        Conversation::new(cx, &self.node)
            .ask(&order, "the cluster to take nodes by another secret", rotated)
            .await?;
        // Cut off in between, the same is asked again: a cluster that has the new secret says so.
        if current.expose_secret() != next.expose_secret() {
            keep(cx, sovereign, Slot::Old, &current).await?;
        }
        keep(cx, sovereign, Slot::Current, &next).await?;
        drop_secret(cx, sovereign, Slot::Next).await
    }

    /// The secret goes with the cluster.
    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

fn token(secret: &SecretString) -> JoinToken {
    JoinToken::new(secret.expose_secret())
}

fn rotated(event: &AgentEventKind) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::TokenRotated => Some(Ok(())),
        other => failed(other, TASK),
    }
}

fn gone() -> StepError {
    StepError::Fatal {
        cause: "the secret that lets nodes into the cluster is gone".into(),
        remedy: "restore the state directory from a backup, or destroy the Sovereign and make it anew".into(),
    }
}
