//! What went wrong with a registrar: on what, why, and what to do.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use thiserror::Error;

use crate::error::ErrorClass;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The credential is wrong, revoked, or may not do this.
    Unauthorized,
    /// The credential is not to be used from this address; none where the registrar does not say which it saw.
    NotAllowedFrom(Option<IpAddr>),
    /// The domain is not in the account.
    NotFound,
    /// The domain may not be changed until somebody lifts that.
    Locked,
    /// Another change is under way; it is waited for.
    Busy,
    /// Too many requests; how long to wait, where the registrar says so.
    RateLimited(Option<Duration>),
    /// The delegation is not as it was expected to be: somebody changed it. What it is now, on one line.
    Changed(String),
    /// The registrar refuses the values.
    Rejected,
    /// The registrar's API cannot do this; a person can.
    Unsupported,
    /// No answer, or none from the registrar itself.
    Unreachable,
    /// An answer that the registrar's contract does not have.
    Unexpected,
}

/// What went wrong with a call to a registrar. Never holds a credential.
#[derive(Debug, Clone, Error)]
pub struct RegistrarError {
    /// Why.
    pub cause: Cause,
    /// What was attempted, for example ``set the delegation of `acme.example` at gandi``.
    pub action: String,
    /// The registrar's words, or the transport's.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// The call may have had its effect all the same: read before trying again.
    pub unsettled: bool,
}

impl RegistrarError {
    /// What to do about it.
    pub fn class(&self) -> ErrorClass {
        if self.unsettled {
            return ErrorClass::Unsettled;
        }
        match self.cause {
            Cause::RateLimited(_) | Cause::Busy | Cause::Unreachable => ErrorClass::Retry,
            Cause::NotFound => ErrorClass::NotFound,
            _ => ErrorClass::Stop,
        }
    }

    /// Shortest time to wait before another try, where the registrar says so.
    pub fn after(&self) -> Option<Duration> {
        match self.cause {
            Cause::RateLimited(after) => after,
            _ => None,
        }
    }
}

impl fmt::Display for RegistrarError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.action, self.message)
    }
}
