//! A host's agent answers: it has proven who it is, and nobody else knows its keys.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sovereign_cloud::Freshness;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::agent::{AgentEventKind, Hello, SubStep, SubStepState, ToAgent};
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::{Machine as SpecMachine, Provider, SovereignSpec};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::NodeId;
use sovereign_remote::ssh::{HostKeys, SshTarget};

use super::conversation::{Conversation, unnoted};
use super::error::step_error;
use super::server::CreateServer;
use crate::link::Transport;
use crate::nodes::login_key_name;
use crate::services::Services;

/// How long a host that answered before may take to do so again.
const KNOWN: Duration = Duration::from_secs(10);
/// Between two looks at the cloud while a host is silent.
const LOOK: Duration = Duration::from_secs(15);
/// Most servers answer within so long after they run. Who waits longer is told where to look.
const USUAL: Duration = Duration::from_secs(45);
/// Port of a server's SSH server.
const SSH: u16 = 22;

/// Waits for a host's agent, calling it where that is the way, and takes its first keys out of use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EnrolHost {
    /// The host.
    pub node: NodeId,
    /// Where it is.
    pub place: HostPlace,
}

/// Where a host is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum HostPlace {
    /// On a server of a cloud.
    Server {
        /// The server.
        server: StepRef<CreateServer>,
        /// Who calls whom.
        transport: Transport,
    },
    /// On a machine that is there; the installer calls it.
    Machine(Machine),
}

impl HostPlace {
    /// The server, where there is one.
    pub(crate) fn server(&self) -> Option<&StepRef<CreateServer>> {
        match self {
            Self::Server { server, .. } => Some(server),
            Self::Machine(_) => None,
        }
    }

    /// Where the installer calls, it begins to.
    pub(super) async fn call(&self, cx: &StepContext<'_, Services>, node: &NodeId) -> Result<(), StepError> {
        let Some(target) = self.target(cx, node).await? else {
            return Ok(());
        };
        if cx.services.nodes.call(node, target) {
            Ok(())
        } else {
            Err(no_agent())
        }
    }

    /// How the installer calls; `None` where it is called.
    pub(super) async fn target(
        &self,
        cx: &StepContext<'_, Services>,
        node: &NodeId,
    ) -> Result<Option<SshTarget>, StepError> {
        Ok(Some(match self {
            Self::Server {
                transport: Transport::Https { .. },
                ..
            } => return Ok(None),
            Self::Server { server, .. } => {
                let made = cx.output(server)?.made;
                let address = made.public_ipv4.map(|ip| ip.to_string());
                let address = address.or_else(|| made.public_ipv6.map(|ip| ip.to_string()));
                let book = cx.services.nodes.book();
                let pinned = book.host_keys(node).await.map_err(unnoted)?;
                SshTarget {
                    host: address.ok_or_else(|| unreachable(node))?,
                    port: SSH,
                    user: "root".into(),
                    host_keys: HostKeys::Pinned(pinned),
                    key: login_key(cx, node).await?,
                }
            }
            Self::Machine(machine) => machine.target(cx).await?,
        }))
    }
}

/// The key that this installer logs in with.
pub(super) async fn login_key(
    cx: &StepContext<'_, Services>,
    node: &NodeId,
) -> Result<SecretString, StepError> {
    let name = login_key_name(&node.sovereign);
    let key = cx.services.nodes.secrets().get(&name).await;
    match key {
        Ok(Some(key)) => Ok(key),
        Ok(None) => Err(StepError::Fatal {
            cause: format!(
                "the sealed key `{name}` is gone, and with it the way into `{}`",
                node.node
            ),
            remedy: "restore the state directory from a backup, or destroy the Sovereign and start over"
                .into(),
        }),
        Err(error) => Err(StepError::Fatal {
            cause: format!("the sealed key `{name}` cannot be opened: {error}"),
            remedy: "see whether the master key is the right one: `sovereign doctor`".into(),
        }),
    }
}

/// A machine that is there, and how to get in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Machine {
    /// IP address or host name.
    pub address: String,
    /// Port of its SSH server.
    pub port: u16,
    /// Whom the installer logs in as.
    pub user: String,
    /// The private key to log in with.
    pub key: SecretRef,
    /// The host key that was trusted when the plan was approved, in OpenSSH form.
    pub host_key: String,
}

impl Machine {
    /// The machine of a spec, with the host key it is trusted by.
    pub(crate) fn of(spec: &SovereignSpec, machine: &SpecMachine, host_key: &str) -> Option<Self> {
        let Provider::Machines { user, key } = &spec.provider else {
            return None;
        };
        Some(Self {
            address: machine.address.clone(),
            port: machine.port,
            user: user.clone(),
            key: key.clone(),
            host_key: host_key.to_owned(),
        })
    }

    /// How to call it.
    pub(super) async fn target(&self, cx: &StepContext<'_, Services>) -> Result<SshTarget, StepError> {
        let key = cx.services.nodes.secrets().resolve(&self.key).await;
        let key = key.map_err(|error| StepError::Fatal {
            cause: format!(
                "the key to log in to {} with cannot be read: {error}",
                self.address
            ),
            remedy: "see that `provider.key` of the spec leads to a private key".into(),
        })?;
        Ok(SshTarget {
            host: self.address.clone(),
            port: self.port,
            user: self.user.clone(),
            host_keys: HostKeys::Pinned(vec![self.host_key.clone()]),
            key,
        })
    }
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
        let nodes = &cx.services.nodes;
        if nodes.book().last_heard(&self.node).await.map_err(unnoted)? == 0 {
            return Ok(None);
        }
        self.place.call(cx, &self.node).await?;
        let hello = Conversation::new(cx, &self.node).up(KNOWN).await?;
        Ok(hello.as_deref().map(EnrolledHost::new))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<EnrolledHost, StepError> {
        self.place.call(cx, &self.node).await?;
        let hello = self.first_word(cx).await?;
        let conversation = Conversation::new(cx, &self.node);
        if self.has_borrowed_host_key() {
            self.own_host_key(cx, &conversation).await?;
        } else {
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
            self.runs(cx).await?;
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

    /// What the cloud says of the server; `None` if it is not there.
    async fn status(
        &self,
        cx: &StepContext<'_, Services>,
        freshness: Freshness,
    ) -> Result<Option<String>, StepError> {
        let cloud = cx.services.cloud()?;
        let found = cloud.find(ResourceKind::Server, &self.node.node, freshness).await;
        Ok(found.map_err(step_error)?.and_then(|server| server.status))
    }

    /// An error if the cloud says that the server does not run.
    async fn runs(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        if self.place.server().is_none() {
            return Ok(());
        }
        // A listing that others made may be older than the server: bad news counts only if it is fresh.
        if self.status(cx, Freshness::Recent).await?.as_deref() == Some("running") {
            return Ok(());
        }
        let status = self.status(cx, Freshness::Now).await?;
        match status.as_deref() {
            Some("running" | "starting" | "initializing") => Ok(()),
            Some(status) => Err(StepError::Retry {
                cause: format!(
                    "server `{}` is `{status}`, so nobody on it can answer; start it in the cloud's console",
                    self.node.node
                ),
                after: Some(LOOK),
                unsettled: false,
            }),
            None => Err(StepError::Fatal {
                cause: format!("server `{}` is gone", self.node.node),
                remedy: "run `sovereign up` again: it is made anew".into(),
            }),
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

/// The failure of a task, as a reason to try again.
pub(super) fn failed<T>(event: &AgentEventKind, task: &str) -> Option<Result<T, StepError>> {
    match event {
        AgentEventKind::Failed {
            task: of,
            cause,
            remedy,
        } if of == task => Some(Err(StepError::Retry {
            cause: format!("{cause}; {remedy}"),
            after: Some(Duration::from_secs(5)),
            unsettled: false,
        })),
        _ => None,
    }
}

pub(super) fn no_agent() -> StepError {
    StepError::Fatal {
        cause: "this installer has no agent to bring to the hosts".into(),
        remedy: "name its file with `--agent`".into(),
    }
}

fn unreachable(node: &NodeId) -> StepError {
    StepError::Fatal {
        cause: format!("server `{}` has no public address to be called at", node.node),
        remedy: "let hosts call this installer instead: `--advertise URL`".into(),
    }
}
