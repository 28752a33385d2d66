//! The node link's protocol: what installer and agent say to each other, one JSON object a frame, over either transport.
//!
//! The agent writes down every event under its own number before it tells it. The installer begins each link with
//! [`ToAgent::Follow`], so a link that broke, or an installer that died, loses nothing.
//!
//! ```text
//!  installer                      agent
//!     │  ◄── Hello                  │   who I am, which boot this is, what I have applied
//!     │  Follow {after} ──►         │
//!     │  ◄── Event, Event ..        │   everything after that number, then live
//!     │  Preflight / Converge ──►   │
//!     │  ◄── Event(SubStep) ..      │
//!     │  ◄── Heartbeat              │   at most 5 s after the frame before
//! ```

use std::net::IpAddr;
use std::time::Duration;

use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::hand_off::{HandOffOrder, ReleaseOrder};
use crate::host::HostConfig;
use crate::k3s::{JoinToken, K3sNode};
use crate::kit_order::KitOrder;
use crate::registry::NodeRegistry;

/// Version of the protocol. The installer speaks to its own version only: it brings the agent along.
pub const PROTOCOL: u32 = 1;

/// Longest silence on a link while the agent lives.
pub const HEARTBEAT: Duration = Duration::from_secs(5);

/// Clocks of a host and its installer that are further apart break certificates and tokens.
pub const CLOCKS_APART: Duration = Duration::from_mins(1);

/// Largest frame, in bytes.
pub const MAX_FRAME: usize = 1024 * 1024;

/// Largest piece of an artifact, in bytes: in base64 it still fits into a frame.
pub const MAX_PIECE: usize = 512 * 1024;

/// What the installer says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ToAgent {
    /// Tell every event after this number, then go on as they happen. The first frame of every link.
    Follow {
        /// The last number that is safely known.
        after: u64,
    },
    /// Look at the host; [`AgentEventKind::Preflight`] answers.
    Preflight(PreflightOrder),
    /// Make the host so; [`AgentEventKind::Converged`] or a failed [`AgentEventKind::SubStep`] answers. Repeating it is safe.
    Converge(Box<HostConfig>),
    /// Make an SSH host key that nobody else knows, and put it aside; [`AgentEventKind::HostKeys`] answers. Repeating it makes no
    /// second one.
    MakeHostKeys,
    /// Let the SSH server use the key that was put aside, and no other; [`AgentEventKind::HostKeysInUse`] answers. The installer
    /// says so once it has noted the key: whatever breaks in between, it still knows the host.
    UseHostKeys,
    /// Run a registry so; [`AgentEventKind::RegistryServes`] or a failed [`AgentEventKind::SubStep`] answers. Repeating it is safe.
    ServeRegistry(Box<NodeRegistry>),
    /// Run k3s so; [`AgentEventKind::K3sRuns`] or a failed [`AgentEventKind::SubStep`] answers. Repeating it is safe.
    RunK3s(Box<K3sNode>),
    /// Bring the kit into the cluster; [`AgentEventKind::KitProven`] answers once every part of it is proven, and until then
    /// [`AgentEventKind::SubStep`] tells of each. Repeating it is safe, and tries at once what failed.
    InstallKit(Box<KitOrder>),
    /// Let the cluster take nodes by the new secret alone; [`AgentEventKind::TokenRotated`] answers. Repeating it is safe.
    RotateToken {
        /// The secret that lets nodes in.
        old: JoinToken,
        /// The one that is to.
        new: JoinToken,
    },
    /// Prove that the Sovereign goes on by itself, and hand over; [`AgentEventKind::HandedOff`] answers.
    HandOff(Box<HandOffOrder>),
    /// Let go of the host: the agent takes the installer's keys and itself away, and leaves what the Sovereign runs on;
    /// [`AgentEventKind::Released`] answers.
    Release(ReleaseOrder),
    /// A piece of the artifact that the agent asked for.
    Piece(Piece),
    /// The installer does not have the artifact that the agent asked for.
    NoArtifact {
        /// SHA-256 of the artifact, 64 hex digits.
        sha256: String,
    },
    /// Take away everything that was put on this host, the agent last; [`AgentEventKind::Leaving`] answers.
    Leave,
}

/// What the agent says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromAgent {
    /// The first frame of every link.
    Hello(Hello),
    /// Something happened.
    Event(AgentEvent),
    /// Nothing happened, and the agent lives.
    Heartbeat(Heartbeat),
    /// Go on handing over an artifact: a few pieces from this byte on. It is asked again when they have come.
    Want {
        /// SHA-256 of the artifact, 64 hex digits.
        sha256: String,
        /// Bytes that are there already.
        from: u64,
    },
}

/// Bytes of an artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Piece {
    /// SHA-256 of the whole artifact, 64 hex digits.
    pub sha256: String,
    /// Where in the artifact these bytes begin.
    pub from: u64,
    /// The bytes, in base64; at most [`MAX_PIECE`] of them.
    pub data: String,
}

/// Who is on the link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// [`PROTOCOL`] of this agent.
    pub protocol: u32,
    /// Version of this agent.
    pub version: String,
    /// SHA-256 of the agent's own binary, 64 hex digits.
    pub binary: String,
    /// Name of the server in the plan.
    pub node: String,
    /// The kernel's random number of this boot; another one means a reboot.
    pub boot_id: String,
    /// The system's machine id, hashed; another one means that the host was replaced.
    pub host_id: String,
    /// The host's clock.
    pub clock: Timestamp,
    /// Digest of the configuration that was applied last and whole.
    pub applied: Option<String>,
    /// Digest of the registry that is served, once it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serves: Option<String>,
    /// Digest of the k3s order that was followed last and whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs: Option<String>,
    /// Digest of the kit's order that was followed last and whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kit: Option<String>,
    /// Number of the agent's last event.
    pub last_seq: u64,
}

/// Nothing happened, and the agent lives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Heartbeat {
    /// The host's clock.
    pub clock: Timestamp,
    /// What the agent is doing, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doing: Option<Doing>,
}

/// What the agent is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doing {
    /// Name of the sub-step.
    pub sub_step: String,
    /// What it saw last.
    pub last_seen: String,
    /// Milliseconds since it began.
    pub for_ms: u64,
}

/// Something that happened on a host. `seq` grows by one per host, survives restarts and reboots, and never repeats.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentEvent {
    /// From 1.
    pub seq: u64,
    /// By the host's clock.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: AgentEventKind,
}

/// The kinds of [`AgentEvent`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum AgentEventKind {
    /// The agent started.
    Started {
        /// Its version.
        version: String,
        /// The boot it started in.
        boot_id: String,
    },
    /// A part of a task began or ended.
    SubStep(SubStep),
    /// What a look at the host found.
    Preflight(PreflightReport),
    /// The host is what the configuration says.
    Converged {
        /// Digest of the configuration.
        digest: String,
        /// Sub-steps that had something to change.
        changed: u32,
    },
    /// The node's registry serves what the order says, and was seen to.
    RegistryServes {
        /// Digest of the order.
        digest: String,
        /// Sub-steps that had something to change.
        changed: u32,
    },
    /// k3s runs as the order says, and the node is ready to be one.
    K3sRuns {
        /// Digest of the order.
        digest: String,
        /// Sub-steps that had something to change.
        changed: u32,
    },
    /// Every part of the kit is there by proof.
    KitProven {
        /// Digest of the order.
        digest: String,
        /// Parts that had something to change.
        changed: u32,
    },
    /// The cluster takes nodes by the new secret, and refuses the old one.
    TokenRotated,
    /// The Sovereign goes on by itself, by proof.
    HandedOff {
        /// Digest of the order.
        digest: String,
        /// Parts that had something to change.
        changed: u32,
        /// The administrator's kubeconfig, sealed to the operator's keys, in age's armor.
        kubeconfig: String,
    },
    /// The last word of an agent that lets go of its host.
    Released,
    /// A task ended before its end; the sub-step before says why.
    Failed {
        /// Digest of the document, or `preflight`, `host-keys`, `join-token`, `release`.
        task: String,
        /// What happened, on what, why.
        cause: String,
        /// What to do next.
        remedy: String,
    },
    /// An SSH host key was made, now or before.
    HostKeys {
        /// Public keys in OpenSSH form.
        public: Vec<String>,
    },
    /// The SSH server uses the key that was made, and no other.
    HostKeysInUse,
    /// The last word before the agent takes itself away.
    Leaving,
}

/// A part of a task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubStep {
    /// Stable name, for example `firewall`. One that begins with a dot is kept for the step itself, and not shown to people.
    pub name: String,
    /// Where it stands.
    #[serde(flatten)]
    pub state: SubStepState,
}

impl SubStep {
    /// Whether it is something that people are told of.
    pub fn is_shown(&self) -> bool {
        !self.name.starts_with('.')
    }
}

/// Where a [`SubStep`] stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum SubStepState {
    /// It began.
    Begun,
    /// It is done.
    Done {
        /// Something had to be changed.
        changed: bool,
        /// What was done or found, in a few words.
        detail: String,
    },
    /// It failed; the agent tries again if it may.
    Failed {
        /// What happened, on what, why.
        cause: String,
        /// What to do next.
        remedy: String,
        /// Last lines of the failing unit's or command's log, oldest first.
        log: Vec<String>,
    },
}

/// What a look at the host needs to know.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightOrder {
    /// Least number of CPUs.
    pub min_cpus: u32,
    /// Least memory, in MiB.
    pub min_memory_mib: u64,
    /// Least free space on the root file system, in MiB.
    pub min_free_disk_mib: u64,
    /// Range the private interface has its address in, where there is a private network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_range: Option<Ipv4Net>,
    /// The private address that the cloud assigned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_address: Option<IpAddr>,
    /// Addresses `host:port` that must accept a TCP connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<String>,
    /// The installer's clock when it asked; clocks more than a minute apart are a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<Timestamp>,
    /// Whether the host has a metadata service at 169.254.169.254 that must be reachable.
    pub metadata: bool,
}

/// What a look at the host found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PreflightReport {
    /// Every check, in a fixed order.
    pub checks: Vec<HostCheck>,
    /// The private interface, where one was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_interface: Option<String>,
}

impl PreflightReport {
    /// Checks that keep the host from being used.
    pub fn failures(&self) -> impl Iterator<Item = &HostCheck> {
        self.checks
            .iter()
            .filter(|check| matches!(check.verdict, Verdict::Failed { .. }))
    }
}

/// One check of a preflight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostCheck {
    /// Stable name, for example `memory`.
    pub name: String,
    /// What was seen, for example `3.8 GiB`.
    pub seen: String,
    /// What that means.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What a check's result means.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// As it should be.
    Fine,
    /// It was wrong and the agent mended it.
    Healed {
        /// What was done.
        how: String,
    },
    /// Not as it should be; the host can be used all the same.
    Warning {
        /// Why it matters.
        reason: String,
        /// What to do.
        remedy: String,
    },
    /// The host cannot be used.
    Failed {
        /// Why it matters.
        reason: String,
        /// What to do.
        remedy: String,
    },
}
