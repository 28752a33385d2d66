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

pub mod dial;
pub mod frames;
pub mod wire;
