//! What went wrong, classed by what to do about it.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// What to do about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Nothing happened; the same call may work later.
    Retry,
    /// Nothing happened; the same call elsewhere (type, location) may work.
    FallBack,
    /// Nothing happened; the same call can never work. A person has to change something.
    Stop,
    /// A thing of that name or kind is there already.
    Exists,
    /// The thing is not there.
    NotFound,
    /// The call may or may not have had its effect: look before trying again.
    Unsettled,
    /// The wait was ended from outside.
    Cancelled,
}

/// A field the cloud complained about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldProblem {
    /// The cloud's name for the field.
    pub name: String,
    /// What it says about it.
    pub messages: Vec<String>,
}

/// What went wrong with a call to a cloud: on what, why, and what to do. Never holds a credential.
#[derive(Debug, Clone, Error)]
pub struct CloudError {
    /// What to do about it.
    pub class: ErrorClass,
    /// What was attempted, for example ``create server `acme-eu-cp-1` ``.
    pub action: String,
    /// The cloud's code, an open set, for example `resource_unavailable`.
    pub code: String,
    /// The cloud's words, or the transport's.
    pub message: String,
    /// Fields the cloud named.
    pub fields: Vec<FieldProblem>,
    /// What to do next.
    pub remedy: String,
    /// Shortest time to wait before another try.
    pub after: Option<Duration>,
    /// The cloud's number for the request; its support asks for it.
    pub correlation_id: Option<String>,
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {} ({})", self.action, self.message, self.code)?;
        for field in &self.fields {
            write!(f, "; field `{}`", field.name)?;
            if !field.messages.is_empty() {
                write!(f, ": {}", field.messages.join(", "))?;
            }
        }
        if let Some(id) = &self.correlation_id {
            write!(f, " [request {id}]")?;
        }
        Ok(())
    }
}
