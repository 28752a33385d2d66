//! The hosts as steps see them: links to their agents, the keys of the links, and the agent they get.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_core::name::SovereignName;
use sovereign_core::secret::SecretRef;
use sovereign_remote::dialer::{AgentBinary, SshDialer};
use sovereign_remote::ssh::SshTarget;
use sovereign_remote::{BookError, Hub, Link, NodeBook, NodeId};
use tokio::task::JoinHandle;

/// A secret could not be kept or read. Never holds the secret.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SecretStoreError(pub String);

/// Where the installer keeps secrets of its own, sealed.
#[async_trait]
pub trait SecretStore: fmt::Debug + Send + Sync {
    /// The secret of that name.
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretStoreError>;
    /// The secret that a spec refers to.
    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretStoreError>;
    /// Keeps a secret; an earlier one of that name is gone.
    async fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretStoreError>;
    /// Forgets a secret; missing is success.
    async fn delete(&self, name: &str) -> Result<(), SecretStoreError>;
}

/// The hosts as steps see them.
#[derive(Debug)]
pub struct Nodes {
    hub: Arc<Hub>,
    book: Arc<dyn NodeBook>,
    secrets: Arc<dyn SecretStore>,
    agent: Option<AgentBinary>,
    authority: Option<String>,
    patience: Duration,
    dialers: Mutex<BTreeMap<NodeId, Dialing>>,
}

/// A dialer at work; it ends with this.
#[derive(Debug)]
struct Dialing(JoinHandle<()>);

impl Drop for Dialing {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Nodes {
    /// `authority` is the certificate, in PEM, that hosts trust when they call; `None` if nobody listens. `patience` is how long a
    /// host may take from its server's start to its agent's first word.
    pub fn new(
        hub: Arc<Hub>,
        book: Arc<dyn NodeBook>,
        secrets: Arc<dyn SecretStore>,
        agent: Option<AgentBinary>,
        authority: Option<String>,
        patience: Duration,
    ) -> Self {
        Self {
            hub,
            book,
            secrets,
            agent,
            authority,
            patience,
            dialers: Mutex::default(),
        }
    }

    /// What must survive about nodes.
    pub fn book(&self) -> &dyn NodeBook {
        &*self.book
    }

    /// The installer's sealed secrets.
    pub fn secrets(&self) -> &dyn SecretStore {
        &*self.secrets
    }

    /// The certificate that hosts trust when they call.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// How long a host may take from its server's start to its agent's first word.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// Before a host is made anew: forgets what is known of the old one, and ends its link.
    pub async fn expect_new_host(&self, node: &NodeId) -> Result<(), BookError> {
        self.hub.expect_new_host(node).await
    }

    /// Forgets every host of a Sovereign, and ends their links.
    pub async fn forget(&self, sovereign: &SovereignName) -> Result<(), BookError> {
        self.hub.forget(sovereign).await
    }

    /// The link to a host, up or not.
    pub fn link(&self, node: &NodeId) -> Link {
        self.hub.link(node)
    }

    /// Calls a host, and goes on calling it whenever the link breaks, until this is dropped. Calling it already is fine. False if
    /// there is no agent to bring along.
    pub fn call(&self, node: &NodeId, target: SshTarget) -> bool {
        let Some(agent) = &self.agent else {
            return false;
        };
        let mut dialers = self.dialers.lock().unwrap_or_else(PoisonError::into_inner);
        if dialers.get(node).is_some_and(|dialing| !dialing.0.is_finished()) {
            return true;
        }
        let dialer = SshDialer::new(self.hub.clone(), node.clone(), target, agent.clone());
        dialers.insert(node.clone(), Dialing(tokio::spawn(dialer.run())));
        true
    }

    /// Stops calling a host.
    pub fn hang_up(&self, node: &NodeId) {
        let mut dialers = self.dialers.lock().unwrap_or_else(PoisonError::into_inner);
        dialers.remove(node);
    }
}

/// Name of the sealed key that the installer logs in to a Sovereign's servers with.
pub(crate) fn login_key_name(sovereign: &SovereignName) -> String {
    format!("node-link/{sovereign}/login-key")
}
