//! The API's errors: status, code, words, details.

use axum::http::StatusCode;
use serde_json::{Value, json};

/// An error as the API answers it.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) details: Value,
}

impl Problem {
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code: code.into(),
            message: message.into(),
            details: Value::Null,
        }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let message = message.into();
        let details = json!({"fields": [{"name": field, "messages": [message]}]});
        Self {
            details,
            ..Self::new(422, "invalid_input", format!("invalid input in field '{field}'"))
        }
    }

    pub(crate) fn not_unique(field: &str) -> Self {
        let details = json!({"fields": [{"name": field}]});
        Self {
            details,
            ..Self::new(409, "uniqueness_error", format!("{field} is already used"))
        }
    }

    pub(crate) fn limit(name: &str) -> Self {
        let details = json!({"limits": [{"name": name}]});
        Self {
            details,
            ..Self::new(403, "resource_limit_exceeded", format!("{name} limit exceeded"))
        }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(404, "not_found", format!("{what} not found"))
    }

    pub(crate) fn locked() -> Self {
        Self::new(423, "locked", "resource is locked by another action")
    }

    pub(crate) fn in_use(what: &str) -> Self {
        Self::new(422, "resource_in_use", format!("{what} is still in use"))
    }

    pub(crate) fn body(&self) -> Value {
        json!({"error": {"code": self.code, "message": self.message, "details": self.details}})
    }
}
