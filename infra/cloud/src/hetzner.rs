//! Hetzner Cloud, by a thin client of our own (why: `docs/decisions/0002-hetzner-client.md`).
//!
//! ```text
//! adapter ── typed verbs ──► api ── one call path: class, retry ──► pacer ──► HTTP
//!    │                        ▲
//!    ├── listings (shared)    │
//!    └── actions (one batched poll for everybody)
//! ```

mod account;
mod actions;
mod adapter;
mod api;
mod errors;
mod listings;
mod pacer;
mod wire;

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::cloud::Cloud;
use crate::error::{CloudError, ErrorClass};

/// The public endpoint.
const ENDPOINT: &str = "https://api.hetzner.cloud/v1";

/// How to reach one project.
#[derive(Debug)]
pub struct HetznerConfig {
    /// Base URL up to and with `/v1`; `None` for the public one. Plain HTTP is accepted for loopback only.
    pub endpoint: Option<String>,
    /// API token of the project.
    pub token: SecretString,
    /// Requests of the project's hourly budget left to others, such as controllers inside the cluster.
    pub reserve: u32,
}

impl HetznerConfig {
    /// The public endpoint and a reserve of 10 requests.
    pub fn new(token: SecretString) -> Self {
        Self {
            endpoint: None,
            token,
            reserve: 10,
        }
    }
}

/// A client for one project. Nothing is sent yet.
pub fn connect(config: HetznerConfig) -> Result<Arc<dyn Cloud>, CloudError> {
    let endpoint = checked_endpoint(config.endpoint.as_deref().unwrap_or(ENDPOINT))?;
    let api = Arc::new(api::Api::new(&endpoint, config.token, config.reserve)?);
    Ok(Arc::new(adapter::Hetzner::new(api)))
}

fn checked_endpoint(text: &str) -> Result<Url, CloudError> {
    let refuse = |message: String| CloudError {
        class: ErrorClass::Stop,
        action: "connect to the cloud".into(),
        code: "endpoint".into(),
        message,
        fields: Vec::new(),
        remedy: format!("use an https URL such as `{ENDPOINT}`"),
        after: None,
        correlation_id: None,
    };
    let url = Url::parse(text).map_err(|error| refuse(format!("endpoint `{text}` is not a URL: {error}")))?;
    let loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if loopback => Ok(url),
        _ => Err(refuse(format!(
            "endpoint `{text}` would send the token in the clear"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::checked_endpoint;

    #[test]
    fn the_token_never_travels_in_the_clear() {
        assert!(checked_endpoint("https://api.example/v1").is_ok());
        assert!(checked_endpoint("http://127.0.0.1:8420/v1").is_ok());
        assert!(checked_endpoint("http://[::1]:8420/v1").is_ok());
        assert!(checked_endpoint("http://192.0.2.1/v1").is_err());
        assert!(checked_endpoint("http://127.0.0.1.evil.example/v1").is_err());
    }
}
