//! What went wrong with a name server, classed by what to do about it.

use std::fmt;

use thiserror::Error;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nothing happened, or the same call may safely be sent again: it may work later.
    Retry,
    /// The same call can never work. A person has to change something.
    Stop,
    /// A zone of that name is there already, or belongs to somebody else.
    Taken,
    /// The zone is not there.
    NotFound,
    /// The call may or may not have had its effect: look before trying again.
    Unsettled,
}

/// What went wrong with a call to a name server: on what, why, and what to do. Never holds a credential.
#[derive(Debug, Clone, Error)]
pub struct DnsError {
    /// What to do about it.
    pub class: ErrorClass,
    /// What was attempted, for example ``create zone `acme.example` at https://dns.example``.
    pub action: String,
    /// The server's words, or the transport's.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

impl fmt::Display for DnsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.action, self.message)
    }
}
