//! A host belongs to its operator alone: the installer's way in is gone, and is shown to be.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, SubStep, SubStepState, ToAgent};
use sovereign_core::hand_off::ReleaseOrder;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;
use sovereign_remote::ssh::{self, SshTarget};
use tokio::time::{Instant, sleep};

use super::conversation::{Conversation, failed};
use super::place::{HostPlace, LOOK, login_key};
use crate::services::Services;

/// Name of the task on the node link.
const TASK: &str = "release";
/// Part of the step that begins before the agent is told to let go, and ends when the journal has its last word.
const LAST_WORD: &str = "last word";
/// How long a host may take to say whether it lets somebody in.
const ANSWER: Duration = Duration::from_secs(15);
/// An agent that ends is started again by systemd after a second, its `RestartSec`, and calls at once.
const STARTED_AGAIN: Duration = Duration::from_secs(3);
/// An agent that calls in vain calls again after 15 s at the latest.
const CALLS_AGAIN: Duration = Duration::from_secs(16);
/// An agent that let go waits for 10 min until its last word is noted; a server boots meanwhile.
const UNHEARD: Duration = Duration::from_mins(15);
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

    fn deadline(&self) -> Duration {
        Duration::from_mins(45)
    }

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<ReleasedHost>, StepError> {
        // The silence of a host shows nothing before its last word; one that can be looked at may have followed an order already.
        let may_be_gone = has_said(cx) || cx.unsettled && self.place.is_called();
        if may_be_gone {
            return self.gone(cx, false).await;
        }
        Ok(None)
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<ReleasedHost, StepError> {
        self.place.call(cx, &self.node).await?;
        let left = self.have_left(cx).await;
        cx.services.nodes.hang_up(&self.node);
        let Some(has_ended) = left? else {
            return Ok(unheard());
        };
        let deadline = Instant::now() + GONE;
        loop {
            if let Some(released) = self.gone(cx, has_ended).await? {
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

    /// Has the agent say its last word, and lets it go; whether its link ended then. None if it went long ago and was not heard.
    async fn have_left(&self, cx: &StepContext<'_, Services>) -> Result<Option<bool>, StepError> {
        let conversation = Conversation::new(cx, &self.node);
        if has_said(cx) {
            // The agent waits until its word is noted; whoever read it may have died before that.
            conversation.catch_up(released).await?;
        } else if self.on_link(cx, &conversation).await? {
            self.tell(cx, &conversation).await?;
        } else {
            return Ok(None);
        }
        conversation.farewell(GONE).await.map(Some)
    }

    /// Waits for the agent; a server that does not run is said so. False if an agent that was told to let go is not heard of any more,
    /// so that it must have done so.
    async fn on_link(
        &self,
        cx: &StepContext<'_, Services>,
        conversation: &Conversation<'_>,
    ) -> Result<bool, StepError> {
        let may_be_gone = cx.told(LAST_WORD).is_some() && !self.place.is_called();
        let mut waited = Duration::ZERO;
        while conversation.up(LOOK).await?.is_none() {
            self.place.runs(cx, &self.node).await?;
            waited += LOOK;
            if may_be_gone && waited >= UNHEARD {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells the agent to let go, and has its last word in the journal.
    async fn tell(
        &self,
        cx: &StepContext<'_, Services>,
        conversation: &Conversation<'_>,
    ) -> Result<(), StepError> {
        let order = ToAgent::Release(ReleaseOrder {
            authorized_keys: self.authorized_keys.clone(),
            revoked_keys: self.revoked(cx).await?,
        });
        cx.sub_step(last_word(SubStepState::Begun));
        cx.recorded().await;
        let said = conversation.ask(&order, "the agent to let go of the host", |event| {
            let released = released(event);
            if let Some(Ok(())) = released {
                cx.sub_step(last_word(SubStepState::Done {
                    changed: true,
                    detail: "it lets go of the host, whatever happens to it from now on".into(),
                }));
            }
            released
        });
        said.await
    }

    /// How the installer's way in is shown to be gone, once it is. `has_ended`: the agent's link ended behind its last word.
    async fn gone(
        &self,
        cx: &StepContext<'_, Services>,
        has_ended: bool,
    ) -> Result<Option<ReleasedHost>, StepError> {
        let Some(target) = self.place.target(cx, &self.node).await? else {
            return self.silent(cx, has_ended).await;
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
        has_ended: bool,
    ) -> Result<Option<ReleasedHost>, StepError> {
        let (words, within) = if has_ended {
            ("said goodbye, ended", STARTED_AGAIN)
        } else {
            ("said goodbye, is off the link", CALLS_AGAIN)
        };
        let conversation = Conversation::new(cx, &self.node);
        let silent = conversation.up(within).await?.is_none();
        let evidence = format!(
            "the agent {words} and does not call any more, for {} s",
            within.as_secs()
        );
        Ok(silent.then_some(ReleasedHost { evidence }))
    }
}

/// Whether the journal has the agent's last word.
fn has_said(cx: &StepContext<'_, Services>) -> bool {
    matches!(cx.told(LAST_WORD), Some(SubStepState::Done { .. }))
}

fn last_word(state: SubStepState) -> SubStep {
    SubStep {
        name: LAST_WORD.into(),
        state,
    }
}

/// The agent was told to let go before this installer was gone for long.
fn unheard() -> ReleasedHost {
    ReleasedHost {
        evidence: format!(
            "the agent was told to let go; its last word was not heard, its server runs, and it did not call for {} s, longer than it \
             waits for its word to be noted",
            UNHEARD.as_secs()
        ),
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
