//! How it stands with a node. What an operator must be able to tell apart is told apart here: never heard, enrolled and
//! then nothing, working, slow, silent, back after a reboot, turned away and why.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::agent::{Doing, HEARTBEAT, Hello};

/// Heartbeats that show no progress for longer than this are worth a word.
pub const SLOW: Duration = Duration::from_mins(1);

/// Silence for longer than this is told.
pub const SILENT_AFTER: Duration = Duration::from_secs(2 * HEARTBEAT.as_secs());

/// Which way a link runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// The host calls the installer.
    Https,
    /// The installer calls the host.
    Ssh,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Https => "https",
            Self::Ssh => "ssh",
        })
    }
}

/// How it stands with a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkState {
    /// Nothing was ever heard of it.
    Unheard {
        /// What came of the last call to it, if the installer calls, or of one by somebody who says to be it.
        tried: Option<String>,
    },
    /// It has an identity and has not opened a link yet.
    Enrolled {
        /// Since when, by the installer's clock.
        at: Timestamp,
    },
    /// It is on the link.
    Up(Up),
    /// It was on the link and is not heard any more.
    Silent {
        /// Who it was.
        hello: Arc<Hello>,
        /// Since when, by the installer's clock.
        since: Timestamp,
        /// What happened to the link.
        lost: Lost,
        /// How often it came back with another boot while this installer ran.
        reboots: u32,
        /// What came of the last call to it, if the installer calls, or of one by somebody who says to be it.
        tried: Option<String>,
    },
    /// Somebody who says to be this node was turned away, and nobody else is on the link.
    Refused(Refused),
}

/// A node on the link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// Who it is.
    pub hello: Arc<Hello>,
    /// Which way the link runs.
    pub transport: Transport,
    /// When its last frame came, by the installer's clock.
    pub heard_at: Timestamp,
    /// What it is doing, by its last heartbeat.
    pub doing: Option<Doing>,
    /// How long its heartbeats have shown the same; zero while it does nothing.
    pub stalled_for: Duration,
    /// How often it came back with another boot while this installer ran.
    pub reboots: u32,
    /// Seconds by which its clock is ahead of the installer's, by the last frame that told it; below zero it is behind.
    pub clock_ahead: i64,
}

/// What happened to a link that is no more, or says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// The host closed it: its agent ended, or it shuts down.
    Closed,
    /// It is open, and no frame comes.
    NoFrame,
    /// It broke.
    Broken(String),
}

/// Somebody was turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// When, by the installer's clock.
    pub at: Timestamp,
    /// What kind of reason.
    pub reason: RefusedReason,
    /// What happened, on what, why.
    pub why: String,
    /// What to do next.
    pub remedy: String,
}

/// Kinds of reasons to turn somebody away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedReason {
    /// The ticket was issued to nobody, is too old, or was used by another.
    Ticket,
    /// The key or certificate is not the node's.
    Identity,
    /// Another host than the one that was met first.
    Replaced,
    /// A second host, while the first is on the link.
    Duplicate,
    /// The agent speaks another version of the protocol, or breaks it.
    Protocol,
    /// The agent has lost its own memory.
    Ledger,
    /// The SSH host key is not the pinned one.
    HostKey,
    /// The host does not let the installer in.
    Login,
}

impl LinkState {
    /// Who is on the link.
    pub fn up(&self) -> Option<&Up> {
        match self {
            Self::Up(up) => Some(up),
            _ => None,
        }
    }

    /// How it stands, in one line.
    pub fn words(&self) -> String {
        let tried = |tried: &Option<String>| {
            tried
                .as_ref()
                .map(|tried| format!("; {tried}"))
                .unwrap_or_default()
        };
        match self {
            Self::Unheard { tried: None } => "nothing was heard of it yet".to_owned(),
            Self::Unheard { tried: Some(tried) } => format!("nothing was heard of it yet; {tried}"),
            Self::Enrolled { at } => format!("enrolled at {at:.0}, and opened no link yet"),
            Self::Up(up) => up.words(),
            Self::Silent {
                since,
                lost,
                tried: last,
                ..
            } => format!("silent since {since:.0}: {lost}{}", tried(last)),
            Self::Refused(refused) => format!("turned away: {}", refused.why),
        }
    }
}

impl Up {
    fn words(&self) -> String {
        let back = match self.reboots {
            0 => String::new(),
            1 => ", back after a reboot".to_owned(),
            n => format!(", back after {n} reboots"),
        };
        let Some(doing) = &self.doing else {
            return format!("up over {}{back}", self.transport);
        };
        if self.stalled_for >= SLOW {
            return format!(
                "slow{back}: `{}` shows no progress for {} s, last seen: {}",
                doing.sub_step,
                self.stalled_for.as_secs(),
                doing.last_seen
            );
        }
        format!(
            "working{back}: `{}`, last seen: {}",
            doing.sub_step, doing.last_seen
        )
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("the host closed the link, its agent ended or it shuts down"),
            Self::NoFrame => {
                f.write_str("the link is open and nothing comes, the host hangs or its network is cut")
            }
            Self::Broken(why) => write!(f, "the link broke: {why}"),
        }
    }
}
