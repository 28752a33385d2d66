//! Keeps the link of one node up over SSH: calls the host, brings the agent along, speaks through it, and begins again
//! whenever that ends. How each call went is told through the hub, so whoever looks at the [`Link`](crate::Link) sees it.

mod agent_binary;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::book::BookError;
use crate::hub::{Hub, LinkEnd};
use crate::link_state::{RefusedReason, Transport};
use crate::node_id::NodeId;
use crate::ssh::{self, HostKeys, SshError, SshHost, SshTarget, quoted};

pub use self::agent_binary::AgentBinary;

/// Where the agent lives on a host.
const AGENT: &str = "/usr/local/bin/sovereign-agent";
/// Longest wait for a host to let us in.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Pause before the next call: at first, and at most. A host that boots is to be met soon.
const PAUSE: Duration = Duration::from_millis(250);
const MAX_PAUSE: Duration = Duration::from_secs(4);
/// A call that lasted this long was a link; the next one is not made to wait for the failures before it.
const SETTLED: Duration = Duration::from_secs(15);

/// Keeps the link of one node up over SSH.
#[derive(Debug)]
pub struct SshDialer {
    hub: Arc<Hub>,
    node: NodeId,
    target: SshTarget,
    agent: AgentBinary,
}

/// Why a call did not become a link.
#[derive(Debug)]
enum CallError {
    Ssh(SshError),
    Book(BookError),
    /// The host cannot run the agent.
    Agent {
        what: &'static str,
        why: String,
    },
}

impl From<SshError> for CallError {
    fn from(error: SshError) -> Self {
        Self::Ssh(error)
    }
}

impl From<BookError> for CallError {
    fn from(error: BookError) -> Self {
        Self::Book(error)
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ssh(error) => error.fmt(f),
            Self::Book(error) => error.fmt(f),
            Self::Agent { what, why } => write!(f, "the agent cannot be {what}: {why}"),
        }
    }
}

impl SshDialer {
    /// For a node at a host. Keys that the book has pinned count more than the target's.
    pub fn new(hub: Arc<Hub>, node: NodeId, target: SshTarget, agent: AgentBinary) -> Self {
        Self {
            hub,
            node,
            target,
            agent,
        }
    }

    /// Calls until it is given up.
    pub async fn run(self) {
        let mut pause = PAUSE;
        let mut calls: u32 = 0;
        loop {
            calls = calls.saturating_add(1);
            let begun = Instant::now();
            match self.call().await {
                Ok(LinkEnd::Book(error)) => self.hub.tried(&self.node, &error),
                Ok(_) => {}
                Err(error) => self.tell(&error, calls),
            }
            if begun.elapsed() > SETTLED {
                (pause, calls) = (PAUSE, 0);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// One call, from the connection to the end of the link.
    async fn call(&self) -> Result<LinkEnd, CallError> {
        let host = ssh::connect(&self.current_target().await?, CONNECT_WITHIN).await?;
        self.hub
            .tried(&self.node, "the host let us in, and its agent is looked after");
        self.bring_agent(&host).await?;
        let stream = host.stream(&format!("exec {AGENT} link")).await?;
        let end = self.hub.attach(&self.node, stream, Transport::Ssh).await;
        host.close().await;
        Ok(end)
    }

    /// The host's own key replaces the first one while we are away; the book knows.
    async fn current_target(&self) -> Result<SshTarget, BookError> {
        let mut target = self.target.clone();
        let pinned = self.hub.book().host_keys(&self.node).await?;
        if !pinned.is_empty() {
            target.host_keys = HostKeys::Pinned(pinned);
        }
        Ok(target)
    }

    /// Makes sure that the host runs this installer's agent.
    async fn bring_agent(&self, host: &SshHost) -> Result<(), CallError> {
        let look = format!(
            "sha256sum {AGENT} 2>/dev/null; systemctl is-active sovereign-agent.service 2>/dev/null; true"
        );
        let seen = host.run(&look, None).await?;
        let seen = String::from_utf8_lossy(&seen.stdout).into_owned();
        let ours = seen.starts_with(self.agent.sha256());
        let active = seen.lines().any(|line| line == "active");
        if ours && active {
            return Ok(());
        }
        if !ours {
            self.hub.tried(&self.node, "the agent is brought to the host");
            host.upload(AGENT, self.agent.bytes(), 0o755).await?;
        }
        self.hub.tried(&self.node, "the agent is installed");
        let install = format!("{AGENT} install --node {} --ssh", quoted(&self.node.node));
        let installed = host.run(&install, None).await?;
        if installed.ok() {
            return Ok(());
        }
        Err(CallError::Agent {
            what: "installed",
            why: installed.complaint(),
        })
    }

    fn tell(&self, error: &CallError, calls: u32) {
        tracing::debug!(node = %self.node, %error, calls, "call came to nothing");
        let remedy = match error {
            CallError::Ssh(error) => error.remedy(),
            CallError::Book(_) | CallError::Agent { .. } => None,
        };
        let reason = match error {
            CallError::Ssh(SshError::HostKeyChanged { .. }) => RefusedReason::HostKey,
            _ => RefusedReason::Login,
        };
        match remedy {
            Some(remedy) => self
                .hub
                .turned_away(&self.node, reason, error.to_string(), remedy),
            None => self.hub.tried(&self.node, &format!("{error} (call {calls})")),
        }
    }
}
