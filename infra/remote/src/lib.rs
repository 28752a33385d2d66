//! The node link: how installer and host meet, prove who they are, and stay in touch. One protocol
//! ([`sovereign_core::agent`]) over two transports.
//!
//! ```text
//!            https: the host calls                         ssh: the installer calls
//!  agent ── ticket + request ──► Hub::enrol       SshDialer ── pinned host key ──► sshd
//!  agent ── mutual TLS, upgrade ► Hub::attach     SshDialer ── `sovereign-agent link` ──► agent
//!                                     └──────────── Hub::attach ───────────┘
//!                                          Link: state, events, orders
//! ```
//!
//! Without features this is the agent's half, which has to be small.
//!
//! | module | concept | feature |
//! | --- | --- | --- |
//! | [`frames`] | one JSON object a line, bounded | |
//! | [`wire`] | the HTTP bodies and names of the https transport | |
//! | [`dial`] | the agent's calls: enrol, connect | |
//! | `authority` | the installer's CA | `installer` |
//! | `ticket` | single-use tickets | `installer` |
//! | `book` | what must survive about nodes, as a trait | `installer` |
//! | `link_state` | how it stands with a node, told apart in words | `installer` |
//! | `hub` | every link of one installer process | `installer` |
//! | `depot` | files that hosts may ask for | `installer` |
//! | `ssh` | SSH with pinned keys | `installer` |
//! | `dialer` | keeps one node's link up over SSH | `installer` |
//! | `testing` | a book in memory, the contract of every book, an agent for tests | `testing` |

pub mod dial;
pub mod frames;
pub mod wire;

#[cfg(feature = "installer")]
pub mod authority;
#[cfg(feature = "installer")]
pub mod book;
#[cfg(feature = "installer")]
pub mod depot;
#[cfg(feature = "installer")]
pub mod dialer;
#[cfg(feature = "installer")]
pub mod hub;
#[cfg(feature = "installer")]
pub mod link_state;
#[cfg(feature = "installer")]
mod node_id;
#[cfg(feature = "installer")]
pub mod ssh;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "installer")]
pub mod ticket;

#[cfg(feature = "installer")]
pub use {
    authority::Authority,
    book::{BookError, NodeBook},
    depot::Depot,
    hub::{Events, Hub, Link, NotLinked},
    link_state::{LinkState, Refused, Transport, Up},
    node_id::NodeId,
    ticket::Ticket,
};
