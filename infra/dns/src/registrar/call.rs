//! Calls to a registrar: what is asked, and what comes back.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, StatusCode};

/// Where an API answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// At the registrar's own address.
    Own,
    /// Somewhere else: a sandbox, or a simulator.
    Other {
        /// Scheme and host, and the path that all calls share. Plain HTTP is accepted for loopback only.
        url: String,
        /// Whether it has the limits that the registrar documents.
        paced: bool,
    },
}

/// One request. Neither path nor query ever hold a secret.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below the endpoint, with its query.
    pub(super) path: String,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: Option<(&'static str, String)>,
    /// For the reader of an error: ``read the delegation of `x` ``.
    pub(super) action: String,
    /// It changes something: where its answer is lost, its effect is not known.
    pub(super) writes: bool,
}

impl Call {
    pub(super) fn read(path: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            headers: Vec::new(),
            body: None,
            action: action.into(),
            writes: false,
        }
    }

    pub(super) fn write(method: Method, path: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            method,
            writes: true,
            ..Self::read(path, action)
        }
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(("application/json", body.to_string()));
        self
    }
}

/// Without headers and body: they hold credentials.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("action", &self.action)
            .field("method", &self.method)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Answer {
    /// How long the registrar asks to wait, in `Retry-After` seconds.
    pub(super) fn retry_after(&self) -> Option<Duration> {
        let value = self.headers.get("retry-after")?.to_str().ok()?;
        value.trim().parse().ok().map(Duration::from_secs)
    }
}
