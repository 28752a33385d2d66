//! Takes away from a machine what was put there.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::{NodeId, ssh};

use super::conversation::Conversation;
use super::place::{Machine, no_agent};
use crate::services::Services;

/// How long a machine may take to answer a call.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long the agent may take to be gone after it said goodbye.
const GONE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Where the agent keeps itself and what it knows.
const PLACES: [&str; 4] = [
    "/usr/local/bin/sovereign-agent",
    "/etc/sovereign-agent",
    "/var/lib/sovereign-agent",
    "/etc/systemd/system/sovereign-agent.service",
];

/// Takes away from a machine what was put there, the agent last, and sees that it is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LeaveHost {
    /// The host.
    pub node: NodeId,
    /// Where it is.
    pub machine: Machine,
}

impl Step for LeaveHost {
    const KIND: &'static str = "host.leave";
    type Services = Services;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        let left = left_behind(cx, &self.machine).await?;
        Ok(left.is_empty().then_some(()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        leave(cx, &self.node, &self.machine).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// Asks the agent to take everything away, and looks whether it did.
pub(super) async fn leave(
    cx: &StepContext<'_, Services>,
    node: &NodeId,
    machine: &Machine,
) -> Result<(), StepError> {
    if left_behind(cx, machine).await?.is_empty() {
        return Ok(());
    }
    let nodes = &cx.services.nodes;
    if !nodes.call(node, machine.target(cx).await?) {
        return Err(no_agent());
    }
    let conversation = Conversation::new(cx, node);
    let said = conversation
        .ask(&ToAgent::Leave, "the agent to take everything away", |event| {
            matches!(event, AgentEventKind::Leaving).then_some(Ok(()))
        })
        .await;
    nodes.hang_up(node);
    said?;
    let deadline = tokio::time::Instant::now() + GONE;
    loop {
        let left = left_behind(cx, machine).await?;
        if left.is_empty() {
            return Ok(());
        }
        if tokio::time::Instant::now() > deadline {
            return Err(StepError::Retry {
                cause: format!("still on {}: {}", machine.address, left.join(", ")),
                after: None,
                unsettled: true,
            });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// What of ours is still on the machine.
async fn left_behind(cx: &StepContext<'_, Services>, machine: &Machine) -> Result<Vec<String>, StepError> {
    let target = machine.target(cx).await?;
    let command = format!("ls -d {} 2>/dev/null; true", PLACES.join(" "));
    let seen = ssh::ask(&target, PATIENCE, &command).await.map_err(unreached)?;
    Ok(String::from_utf8_lossy(&seen.stdout)
        .lines()
        .map(str::to_owned)
        .collect())
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn unreached(error: ssh::SshError) -> StepError {
    let cause = sovereign_engine::step::chain(&error);
    match error.remedy() {
        Some(remedy) => StepError::Fatal { cause, remedy },
        None => StepError::Retry {
            cause,
            after: None,
            unsettled: true,
        },
    }
}
