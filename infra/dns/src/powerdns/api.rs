//! The one path every call takes. Bodies are never logged: some hold private keys.

use std::fmt;
use std::time::Duration;

use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, Response, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sovereign_core::crash;
use url::Url;

use super::errors::{self, Intent};
use crate::error::{DnsError, ErrorClass};

/// Longest answer that is read, in bytes. A zone of 50,000 record sets takes about 8 MiB.
const MAX_ANSWER: usize = 32 << 20;
const KEY_HEADER: HeaderName = HeaderName::from_static("x-api-key");

/// One request.
pub(super) struct Call {
    pub(super) method: Method,
    /// Below `/api/v1/servers/localhost`; empty for the server itself.
    pub(super) path: String,
    pub(super) body: Option<Value>,
    pub(super) intent: Intent,
    /// For the reader of an error: ``create zone `x` ``.
    pub(super) action: String,
    /// Not even an error's words are passed on.
    pub(super) secret: bool,
}

impl Call {
    pub(super) fn new(method: Method, path: impl Into<String>, action: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            body: None,
            intent: Intent::Repeatable,
            action: action.into(),
            secret: false,
        }
    }

    pub(super) fn with_body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// The call makes something that a second one would make again.
    pub(super) fn creates(mut self) -> Self {
        self.intent = Intent::Create;
        self
    }

    /// The call carries a private key, one way or the other.
    pub(super) fn secret(mut self) -> Self {
        self.secret = true;
        self
    }
}

/// A client for one server.
pub(super) struct Api {
    http: reqwest::Client,
    base: String,
    key: SecretString,
    header: HeaderValue,
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

impl Api {
    pub(super) fn new(url: &Url, key: SecretString, timeout: Duration) -> Result<Self, DnsError> {
        let action = "connect to PowerDNS";
        let http = reqwest::Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(10).min(timeout))
            .timeout(timeout)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| errors::from_transport(Intent::Repeatable, action, &error))?;
        let mut header = HeaderValue::from_str(key.expose_secret()).map_err(|_| DnsError {
            class: ErrorClass::Stop,
            action: action.to_owned(),
            message: "the API key has characters that no HTTP header can hold".to_owned(),
            remedy: "check where the spec says the key is found".to_owned(),
        })?;
        header.set_sensitive(true);
        Ok(Self {
            http,
            base: format!("{}/api/v1/servers/localhost", url.as_str().trim_end_matches('/')),
            key,
            header,
        })
    }

    /// Sends a call and reads its answer.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: &Call) -> Result<T, DnsError> {
        let body = self.send(call).await?;
        serde_json::from_slice(&body).map_err(|error| {
            // serde's own words may quote the answer.
            let why = format!(
                "not the expected JSON in line {}, column {}",
                error.line(),
                error.column()
            );
            errors::unreadable(call.intent, &call.action, &why)
        })
    }

    /// Sends a call once. The answer's body on success, an error otherwise.
    pub(super) async fn send(&self, call: &Call) -> Result<Vec<u8>, DnsError> {
        let transport = |error| errors::from_transport(call.intent, &call.action, &error);
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .header(KEY_HEADER, self.header.clone());
        if let Some(body) = &call.body {
            request = request.json(body);
        }
        crash::point("api-before");
        let answer = request.send().await;
        crash::point("api-after");
        let answer = answer.map_err(transport)?;
        let status = answer.status();
        tracing::debug!(action = call.action, %status, "PowerDNS answered");
        let body = bounded(answer).await.map_err(transport)?;
        let Some(body) = body else {
            return Err(errors::unreadable(
                call.intent,
                &call.action,
                "it is longer than any zone",
            ));
        };
        if status.is_success() {
            return Ok(body);
        }
        let words = if call.secret {
            String::new()
        } else {
            errors::words(&body, &self.key)
        };
        // Releases before 4.7 know no 404 for a zone.
        let missing =
            status == StatusCode::UNPROCESSABLE_ENTITY && words.starts_with("Could not find domain");
        let status = if missing { StatusCode::NOT_FOUND } else { status };
        Err(errors::from_status(call.intent, &call.action, status, &words))
    }
}

/// The whole body, or none if it is longer than [`MAX_ANSWER`].
async fn bounded(mut answer: Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
