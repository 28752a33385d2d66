//! PowerDNS Authoritative Server 4.7 and later, by its HTTP API.

mod adapter;
mod addresses;
mod api;
mod errors;
mod transfer;
mod wire;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;
use url::{Host, Url};

use crate::error::{DnsError, ErrorClass};
use crate::host::ZoneHost;

/// Longest time for one request, unless a caller has another one.
pub(crate) const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// How to reach one PowerDNS.
#[derive(Debug)]
pub struct PowerDnsConfig {
    /// Address of the API: scheme, host and port. Plain HTTP is accepted for loopback and private addresses only.
    pub url: String,
    /// The API key. It is worth as much as all private keys of all zones.
    pub key: SecretString,
    /// Longest time for one request.
    pub timeout: Duration,
    /// Where it answers queries; learned from the server where this is left out.
    pub answers_at: Option<SocketAddr>,
}

impl PowerDnsConfig {
    /// 30 seconds a request, and the server's own word on where it answers.
    pub fn new(url: impl Into<String>, key: SecretString) -> Self {
        Self {
            url: url.into(),
            key,
            timeout: REQUEST_LIMIT,
            answers_at: None,
        }
    }
}

/// A client for one PowerDNS. Nothing is sent yet.
pub fn connect(config: PowerDnsConfig) -> Result<Arc<dyn ZoneHost>, DnsError> {
    let url = checked(&config.url)?;
    let api = api::Api::new(&url, config.key, config.timeout)?;
    Ok(Arc::new(adapter::PowerDns::new(api, url, config.answers_at)))
}

fn checked(text: &str) -> Result<Url, DnsError> {
    let refuse = |message: String| DnsError {
        class: ErrorClass::Stop,
        action: "connect to PowerDNS".to_owned(),
        message,
        remedy: "use an address such as `https://dns.acme.example:8081`, or `http` with a private address"
            .to_owned(),
    };
    let url = Url::parse(text).map_err(|error| refuse(format!("`{text}` is not a URL: {error}")))?;
    let nearby = match url.host() {
        Some(Host::Ipv4(address)) => is_near(address.into()),
        Some(Host::Ipv6(address)) => is_near(address.into()),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if nearby => Ok(url),
        _ => Err(refuse(format!("`{text}` would send the API key in the clear"))),
    }
}

/// Loopback, private (RFC 1918, RFC 4193), link-local, or reserved for labs (RFC 2544).
fn is_near(address: IpAddr) -> bool {
    const LAB: (u8, u8) = (198, 18);
    match address {
        IpAddr::V4(v4) => {
            let [a, b, ..] = v4.octets();
            v4.is_loopback() || v4.is_private() || v4.is_link_local() || (a, b & 0xfe) == LAB
        }
        IpAddr::V6(v6) => v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn the_key_never_travels_in_the_clear() {
        for good in [
            "https://dns.example:8081",
            "http://127.0.0.1:8081",
            "http://[::1]:1",
            "http://10.1.2.3",
            "http://198.19.0.1",
        ] {
            assert!(checked(good).is_ok(), "{good}");
        }
        for bad in [
            "http://192.0.2.1:8081",
            "http://dns.example",
            "http://127.0.0.1.evil.example",
            "ftp://127.0.0.1",
            "nonsense",
        ] {
            assert!(checked(bad).is_err(), "{bad}");
        }
    }
}
