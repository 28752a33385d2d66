//! Where a host is, how it is reached, and whether it runs.

use std::time::Duration;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sovereign_cloud::Freshness;
use sovereign_cloud::resource::ResourceKind;
use sovereign_core::secret::SecretRef;
use sovereign_core::spec::{Machine as SpecMachine, Provider, SovereignSpec};
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{StepContext, StepError};
use sovereign_remote::NodeId;
use sovereign_remote::ssh::{HostKeys, SshTarget};

use super::conversation::unnoted;
use super::error::step_error;
use super::server::CreateServer;
use crate::link::Transport;
use crate::nodes::login_key_name;
use crate::services::Services;

/// Between two looks at a server whose agent is not on the link.
pub(super) const LOOK: Duration = Duration::from_secs(15);
/// Port of a server's SSH server.
const SSH: u16 = 22;

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

    /// Whether the installer calls the host, and not the host the installer.
    pub(super) fn is_called(&self) -> bool {
        let calls = |transport: &Transport| matches!(transport, Transport::Https { .. });
        !matches!(self, Self::Server { transport, .. } if calls(transport))
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

    /// An error if the cloud says that the server does not run. A machine that is there is nobody's to ask about.
    pub(super) async fn runs(&self, cx: &StepContext<'_, Services>, node: &NodeId) -> Result<(), StepError> {
        if self.server().is_none() {
            return Ok(());
        }
        // A listing that others made may be older than the server: bad news counts only if it is fresh.
        if status(cx, node, Freshness::Recent).await?.as_deref() == Some("running") {
            return Ok(());
        }
        match status(cx, node, Freshness::Now).await?.as_deref() {
            Some("running" | "starting" | "initializing") => Ok(()),
            Some(status) => Err(StepError::Retry {
                cause: format!(
                    "server `{}` is `{status}`, so nobody on it can answer; start it in the cloud's console",
                    node.node
                ),
                after: Some(LOOK),
                unsettled: false,
            }),
            None => Err(StepError::Fatal {
                cause: format!("server `{}` is gone", node.node),
                remedy: "run `sovereign up` again: it is made anew".into(),
            }),
        }
    }
}

/// What the cloud says of a server; `None` if it is not there.
async fn status(
    cx: &StepContext<'_, Services>,
    node: &NodeId,
    freshness: Freshness,
) -> Result<Option<String>, StepError> {
    let cloud = cx.services.cloud()?;
    let found = cloud.find(ResourceKind::Server, &node.node, freshness).await;
    Ok(found.map_err(step_error)?.and_then(|server| server.status))
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
