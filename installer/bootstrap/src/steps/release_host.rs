//! A host belongs to its operator alone: the installer's way in is gone, and is shown to be.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, ToAgent};
use sovereign_core::hand_off::ReleaseOrder;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;
use sovereign_remote::ssh::{self, SshTarget};
use tokio::time::{Instant, sleep};

use super::conversation::Conversation;
use super::enrol::{HostPlace, failed, login_key};
use crate::services::Services;

/// Name of the task on the node link.
const TASK: &str = "release";
/// How long a host may take to say whether it lets somebody in.
const ANSWER: Duration = Duration::from_secs(15);
/// An agent that ends is started again by systemd after a second, its `RestartSec`, and calls at once.
const STARTED_AGAIN: Duration = Duration::from_secs(3);
/// An agent that calls in vain calls again after 15 s at the latest.
const CALLS_AGAIN: Duration = Duration::from_secs(16);
/// How long the way in may stay open after the agent's last word.
const GONE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Says what of the agent is on a machine still; nothing once it is gone.
const OF_THE_AGENT: &str = "ls -d /etc/sovereign-agent/config.json /etc/systemd/system/sovereign-agent.service 2>/dev/null; \
                            systemctl show --property ActiveState sovereign-agent | grep --invert-match --regexp='=inactive' --regexp='=failed'; true";

/// Lets the agent take the installer's keys and itself away, and leave what the Sovereign runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleaseHost {
    /// The host.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
    /// Who may log in from now on: public keys in OpenSSH form.
    pub authorized_keys: Vec<String>,
}

/// How the way in was shown to be gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReleasedHost {
    /// In a few words.
    pub evidence: String,
}

impl Step for ReleaseHost {
    const KIND: &'static str = "host.release";
    type Services = Services;
    type Output = ReleasedHost;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ReleasedHost>, StepError> {
        // Only an order that went out before may have been followed already.
        if !cx.unsettled {
            return Ok(None);
        }
        self.gone(cx, false).await
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ReleasedHost, StepError> {
        self.place.call(cx, &self.node).await?;
        let order = ToAgent::Release(ReleaseOrder {
            authorized_keys: self.authorized_keys.clone(),
            revoked_keys: self.revoked(cx).await?,
        });
        let said = Conversation::new(cx, &self.node)
            .ask(&order, "the agent to let go of the host", released)
            .await;
        cx.services.nodes.hang_up(&self.node);
        said?;
        let deadline = Instant::now() + GONE;
        loop {
            if let Some(released) = self.gone(cx, true).await? {
                return Ok(released);
            }
            if Instant::now() > deadline {
                return Err(again(match self.place {
                    HostPlace::Machine(_) => format!("the agent is still on `{}`", self.node.node),
                    HostPlace::Server { .. } => format!("`{}` still lets this installer in", self.node.node),
                }));
            }
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

impl ReleaseHost {
    /// A machine is reached by a key of its operator, which stays.
    fn is_the_operators(&self) -> bool {
        matches!(self.place, HostPlace::Machine(_))
    }

    /// The key of this installer, where it has one of its own.
    async fn revoked(&self, cx: &StepContext<'_, Services>) -> Result<Vec<String>, StepError> {
        if self.is_the_operators() {
            return Ok(Vec::new());
        }
        let key = login_key(cx, &self.node).await?;
        let public = ssh::public_key(key.expose_secret()).map_err(|error| StepError::Fatal {
            cause: sovereign_engine::step::chain(&error),
            remedy: "restore the state directory from a backup".into(),
        })?;
        Ok(vec![public])
    }

    /// How the installer's way in is shown to be gone, once it is. `said` tells whether the agent has just said its last word.
    async fn gone(
        &self,
        cx: &StepContext<'_, Services>,
        said: bool,
    ) -> Result<Option<ReleasedHost>, StepError> {
        let Some(target) = self.place.target(cx, &self.node).await? else {
            return self.silent(cx, said).await;
        };
        if self.is_the_operators() {
            left(&target).await
        } else {
            refused(&target).await
        }
    }

    /// Where hosts call, the only way in is theirs, and an agent that is there calls. After its last word it takes its unit away and
    /// ends, and its link with it; if it was cut off in between, it is there again at once to go on with it.
    async fn silent(
        &self,
        cx: &StepContext<'_, Services>,
        said: bool,
    ) -> Result<Option<ReleasedHost>, StepError> {
        let conversation = Conversation::new(cx, &self.node);
        let (has_ended, within) = if said && conversation.ends(GONE).await? {
            ("said goodbye, ended", STARTED_AGAIN)
        } else {
            ("is off the link", CALLS_AGAIN)
        };
        let silent = conversation.up(within).await?.is_none();
        let evidence = format!(
            "the agent {has_ended} and does not call any more, for {} s",
            within.as_secs()
        );
        Ok(silent.then_some(ReleasedHost { evidence }))
    }
}

/// Tries the way in, and takes nothing but a refusal for one.
async fn refused(target: &SshTarget) -> Result<Option<ReleasedHost>, StepError> {
    match ssh::connect(target, ANSWER).await {
        Ok(host) => {
            host.close().await;
            Ok(None)
        }
        Err(ssh::SshError::LoginRefused { .. }) => Ok(Some(ReleasedHost {
            evidence: format!("{} refuses the installer's key", target.host),
        })),
        Err(error) => Err(unreached(&error)),
    }
}

/// Looks for the agent on a machine, whose operator's key opens it for good.
async fn left(target: &SshTarget) -> Result<Option<ReleasedHost>, StepError> {
    let seen = ssh::ask(target, ANSWER, OF_THE_AGENT)
        .await
        .map_err(|error| unreached(&error))?;
    Ok(seen.stdout.is_empty().then(|| ReleasedHost {
        evidence: "the agent is gone; the key that opens it is the operator's own".into(),
    }))
}

fn unreached(error: &ssh::SshError) -> StepError {
    again(sovereign_engine::step::chain(error))
}

fn again(cause: String) -> StepError {
    StepError::Retry {
        cause,
        after: None,
        unsettled: true,
    }
}

fn released(event: &AgentEventKind) -> Option<Result<(), StepError>> {
    match event {
        AgentEventKind::Released => Some(Ok(())),
        other => failed(other, TASK),
    }
}
