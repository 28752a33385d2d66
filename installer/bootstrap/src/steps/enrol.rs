//! A host's agent answers: it has proven who it is, and nobody else knows its keys.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sovereign_core::agent::{AgentEventKind, Hello, SubStep, SubStepState, ToAgent};
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;

use super::conversation::{Conversation, failed, unnoted};
use super::place::{HostPlace, LOOK};
use crate::link::Transport;
use crate::services::Services;

/// How long a host that answered before may take to do so again.
const KNOWN: Duration = Duration::from_secs(10);
/// Most servers answer within so long after they run. Who waits longer is told where to look.
const USUAL: Duration = Duration::from_secs(45);

/// Waits for a host's agent, calling it where that is the way, and takes its first keys out of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolHost {
    /// The host.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
}

/// A host whose agent answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolledHost {
    /// Its name.
    pub node: String,
    /// Its machine id, hashed.
    pub host_id: String,
    /// Version of its agent.
    pub version: String,
}

impl EnrolledHost {
    fn new(hello: &Hello) -> Self {
        Self {
            node: hello.node.clone(),
            host_id: hello.host_id.clone(),
            version: hello.version.clone(),
        }
    }
}

impl Step for EnrolHost {
    const KIND: &'static str = "host.enrol";
    type Services = Services;
    type Output = EnrolledHost;

    /// Only a host that was enrolled to the end is looked for; it has to answer now.
    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<EnrolledHost>, StepError> {
        if !self.was_heard(cx).await? {
            return Ok(None);
        }
        self.place.call(cx, &self.node).await?;
        let hello = Conversation::new(cx, &self.node).up(KNOWN).await?;
        Ok(hello.as_deref().map(EnrolledHost::new))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<EnrolledHost, StepError> {
        // What it told once it does not tell again.
        let told_its_start = self.was_heard(cx).await?;
        self.place.call(cx, &self.node).await?;
        let hello = self.first_word(cx).await?;
        let conversation = Conversation::new(cx, &self.node);
        if self.has_borrowed_host_key() {
            self.own_host_key(cx, &conversation).await?;
        } else if !told_its_start {
            conversation
                .listen("the agent to tell its start", started)
                .await?;
        }
        Ok(EnrolledHost::new(&hello))
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        match &self.place {
            HostPlace::Server { .. } => Ok(()),
            HostPlace::Machine(machine) => super::leave_host::leave(cx, &self.node, machine).await,
        }
    }
}

fn first_word(state: SubStepState) -> SubStep {
    SubStep {
        name: "first word".into(),
        state,
    }
}

fn started(event: &AgentEventKind) -> Option<Result<(), StepError>> {
    matches!(event, AgentEventKind::Started { .. }).then_some(Ok(()))
}

impl EnrolHost {
    /// Whether an earlier run, or an earlier life of this one, enrolled the host.
    async fn was_heard(&self, cx: &StepContext<'_, Services>) -> Result<bool, StepError> {
        let heard = cx.services.nodes.book().last_heard(&self.node).await;
        Ok(heard.map_err(unnoted)? > 0)
    }

    /// Waits until the agent says who it is. A server that does not run is said so; silence that lasts ends with where to look.
    async fn first_word(&self, cx: &StepContext<'_, Services>) -> Result<Arc<Hello>, StepError> {
        let conversation = Conversation::new(cx, &self.node);
        let patience = cx.services.nodes.patience();
        let mut waited = Duration::ZERO;
        let mut hinted = false;
        while waited < patience {
            let turn = LOOK.min(patience.saturating_sub(waited));
            if let Some(hello) = conversation.up(turn).await? {
                if hinted {
                    cx.sub_step(first_word(SubStepState::Done {
                        changed: false,
                        detail: "it answers".into(),
                    }));
                }
                return Ok(hello);
            }
            waited += turn;
            self.place.runs(cx, &self.node).await?;
            if waited >= USUAL && !hinted {
                hinted = true;
                cx.sub_step(first_word(self.silent(waited, &conversation.words())));
            }
        }
        Err(StepError::Fatal {
            cause: format!(
                "`{}` did not answer within {} s: {}",
                self.node.node,
                patience.as_secs(),
                conversation.words()
            ),
            remedy: self.where_to_look(),
        })
    }

    /// What is told of a host that runs and does not answer, while it is still waited for.
    fn silent(&self, waited: Duration, words: &str) -> SubStepState {
        SubStepState::Failed {
            cause: format!(
                "it runs for {} s, and {words}; hosts usually answer within {} s",
                waited.as_secs(),
                USUAL.as_secs()
            ),
            remedy: self.where_to_look(),
            log: Vec::new(),
        }
    }

    fn where_to_look(&self) -> String {
        let name = &self.node.node;
        match &self.place {
            HostPlace::Server { .. } => format!(
                "see its console for lines that begin with `sovereign:` or `cloud-init` (`hcloud server request-console {name}`, \
                 in the lab `sovereign lab host console {name}`); if it does not boot, `hcloud server enable-rescue {name}`; \
                 a server that cannot be helped is deleted, and `up` makes it anew"
            ),
            HostPlace::Machine(machine) => format!(
                "see that {} runs and that `ssh -p {} {}@{}` works from here",
                machine.address, machine.port, machine.user, machine.address
            ),
        }
    }

    /// A server whose first host key was made here, for the first contact.
    fn has_borrowed_host_key(&self) -> bool {
        matches!(
            self.place,
            HostPlace::Server {
                transport: Transport::Ssh,
                ..
            }
        )
    }

    /// From now on the host's SSH key is its own. The new one is noted before it is used, the old one forgotten after.
    async fn own_host_key(
        &self,
        cx: &StepContext<'_, Services>,
        conversation: &Conversation<'_>,
    ) -> Result<(), StepError> {
        let book = cx.services.nodes.book();
        let made = conversation
            .ask(
                &ToAgent::MakeHostKeys,
                "the host to make a key of its own",
                |event| match event {
                    AgentEventKind::HostKeys { public } => Some(Ok(public.clone())),
                    other => failed(other, "host-keys"),
                },
            )
            .await?;
        let mut known = book.host_keys(&self.node).await.map_err(unnoted)?;
        known.extend(
            made.iter()
                .filter(|key| !known.contains(key))
                .cloned()
                .collect::<Vec<_>>(),
        );
        book.put_host_keys(&self.node, &known).await.map_err(unnoted)?;
        conversation
            .ask(
                &ToAgent::UseHostKeys,
                "the host to use its own key",
                |event| match event {
                    AgentEventKind::HostKeysInUse => Some(Ok(())),
                    other => failed(other, "host-keys"),
                },
            )
            .await?;
        book.put_host_keys(&self.node, &made).await.map_err(unnoted)
    }
}
