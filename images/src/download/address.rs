//! Where a file is fetched from.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use thiserror::Error;

/// Where a file is fetched from: `https`, or `http` on this very machine, and never with an account in it. It is shown without its
/// query, which may hold a signature.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(Url);

/// An address that nothing is fetched from. Never shows an account.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadAddress {
    /// It cannot be read.
    #[error("an address cannot be read: {0}")]
    Unreadable(String),
    /// Neither `https`, nor `http` on this machine.
    #[error("nothing is fetched from `{0}`: whoever is on the way could put another file in its place")]
    Insecure(String),
    /// A user or a password.
    #[error("the address `{0}` has an account in it")]
    Account(String),
}

impl BadAddress {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "write it as `https://host/path`",
            Self::Insecure(_) => "use `https://`; plain `http://` is for this very machine only",
            Self::Account(_) => {
                "take user and password out: addresses end up in logs and in the list of processes; \
                 fetch the file by other means and name it as a file"
            }
        }
    }
}

impl Address {
    pub(super) fn url(&self) -> &Url {
        &self.0
    }

    /// Plain `http`.
    pub(super) fn is_plain(&self) -> bool {
        self.0.scheme() == "http"
    }
}

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(text: &str) -> Result<Self, BadAddress> {
        let url = Url::parse(text).map_err(|error| BadAddress::Unreadable(error.to_string()))?;
        if has_account(&url) {
            return Err(BadAddress::Account(shown(&url)));
        }
        match url.scheme() {
            "https" => Ok(Self(url)),
            "http" if is_loopback(&url) => Ok(Self(url)),
            _ => Err(BadAddress::Insecure(shown(&url))),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether a redirect may lead there.
pub(super) fn may_lead_to(url: &Url) -> bool {
    url.scheme() == "https" && !has_account(url)
}

/// A URL without account, query and fragment.
pub(super) fn shown(url: &Url) -> String {
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    let host = url.host_str().unwrap_or_default();
    format!("{}://{host}{port}{}", url.scheme(), url.path())
}

fn has_account(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || address.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_or_this_machine_and_never_an_account() {
        for good in [
            "https://x.example/k3s",
            "HTTPS://x.example/k3s?sig=1",
            "http://127.0.0.1:80/k3s",
            "http://[::1]:8080/k3s",
            "http://localhost/k3s",
        ] {
            good.parse::<Address>().unwrap();
        }
        for (bad, why) in [
            ("http://x.example/k3s", "whoever is on the way"),
            ("http://127.0.0.1.x.example/k3s", "whoever is on the way"),
            ("ftp://x.example/k3s", "whoever is on the way"),
            ("https:///", "cannot be read"),
            ("https://user:canary@x.example/k3s", "has an account in it"),
            ("http://canary@x.example/k3s", "has an account in it"),
        ] {
            let error = bad.parse::<Address>().unwrap_err();
            assert!(error.to_string().contains(why), "{bad}: {error}");
            assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_query_is_not_shown() {
        let address: Address = "https://x.example:8443/k3s?sig=canary#canary".parse().unwrap();
        assert_eq!(
            format!("{address} {address:?}"),
            "https://x.example:8443/k3s https://x.example:8443/k3s"
        );
    }
}
