//! What is asked of an address to see whether it is well.

use std::fmt;
use std::num::NonZeroU16;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::DomainName;

/// Longest path, in characters.
const MAX_PATH: usize = 512;
/// What a path and a query may have beside letters and digits: none of it ends a text in Lua or in a zone file.
const OF_PATHS: &str = "/-._~%?=&+:,@";

/// Why a text is no [`HealthCheck`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not a check: {why}; write `tcp:443`, or `https://console.acme.example/healthz`")]
pub struct HealthCheckError {
    text: String,
    why: &'static str,
}

/// What is asked of each address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthCheck {
    /// It takes connections on that port.
    Tcp(NonZeroU16),
    /// It answers a GET of that URL with a status below 400. The URL's host is what is asked for by name (SNI, `Host`); the
    /// connection goes to the address.
    Get(CheckUrl),
}

impl FromStr for HealthCheck {
    type Err = HealthCheckError;

    fn from_str(text: &str) -> Result<Self, HealthCheckError> {
        match text.strip_prefix("tcp:") {
            Some(port) => port.parse().map(Self::Tcp).map_err(|_| HealthCheckError {
                text: text.to_owned(),
                why: "the port is no number from 1 to 65535",
            }),
            None => text.parse().map(Self::Get),
        }
    }
}

impl fmt::Display for HealthCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(port) => write!(f, "tcp:{port}"),
            Self::Get(url) => url.fmt(f),
        }
    }
}

/// An address of a page: `http` or `https`, the name of a host, and a path of characters that mean nothing to Lua.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckUrl {
    is_https: bool,
    host: DomainName,
    port: Option<NonZeroU16>,
    path: String,
}

impl CheckUrl {
    /// The name that is asked for.
    pub fn host(&self) -> &DomainName {
        &self.host
    }

    /// Where it is asked for.
    pub fn port(&self) -> u16 {
        let default = if self.is_https { 443 } else { 80 };
        self.port.map_or(default, NonZeroU16::get)
    }
}

impl FromStr for CheckUrl {
    type Err = HealthCheckError;

    fn from_str(text: &str) -> Result<Self, HealthCheckError> {
        let wrong = |why| HealthCheckError {
            text: text.to_owned(),
            why,
        };
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| wrong("it is neither a port nor a URL"))?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return Err(wrong("the scheme is neither `http` nor `https`")),
        };
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => {
                let port = port
                    .parse()
                    .map_err(|_| wrong("the port is no number from 1 to 65535"))?;
                (host, Some(port))
            }
            None => (authority, None),
        };
        let host: DomainName = host
            .parse()
            .ok()
            .filter(DomainName::is_host)
            .ok_or_else(|| wrong("the host is no name: the addresses to ask are those of the regions"))?;
        let is_number = host
            .labels()
            .last()
            .is_some_and(|label| label.bytes().all(|b| b.is_ascii_digit()));
        if is_number {
            return Err(wrong(
                "the host is no name: the addresses to ask are those of the regions",
            ));
        }
        if path.len() > MAX_PATH {
            return Err(wrong("the path is longer than 512 characters"));
        }
        if !path
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || OF_PATHS.contains(c))
        {
            return Err(wrong(
                "the path has other characters than letters, digits and `/-._~%?=&+:,@`",
            ));
        }
        Ok(Self {
            is_https,
            host,
            port,
            path: if path.is_empty() {
                "/".to_owned()
            } else {
                path.to_owned()
            },
        })
    }
}

impl fmt::Display for CheckUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_https { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        f.write_str(&self.path)
    }
}

impl TryFrom<String> for CheckUrl {
    type Error = HealthCheckError;

    fn try_from(text: String) -> Result<Self, HealthCheckError> {
        text.parse()
    }
}

impl From<CheckUrl> for String {
    fn from(url: CheckUrl) -> Self {
        url.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_is_a_port_or_a_page() {
        for (text, wanted) in [
            ("tcp:443", "tcp:443"),
            ("https://Console.Acme.example", "https://console.acme.example/"),
            (
                "http://acme.example:8080/up?a=b",
                "http://acme.example:8080/up?a=b",
            ),
        ] {
            assert_eq!(text.parse::<HealthCheck>().unwrap().to_string(), wanted);
        }
        let url: CheckUrl = "https://acme.example/".parse().unwrap();
        assert_eq!((url.host().as_str(), url.port()), ("acme.example", 443));
    }

    #[test]
    fn what_is_no_check_is_refused_with_its_reason() {
        for (text, why) in [
            ("tcp:0", "the port"),
            ("tcp:70000", "the port"),
            ("443", "neither a port nor a URL"),
            ("ftp://acme.example/", "the scheme"),
            ("https://192.0.2.1/", "the host is no name"),
            ("https://[2001:db8::1]/", "the port"),
            ("https://user@acme.example/", "the host is no name"),
            ("https:///healthz", "the host is no name"),
            ("https://acme.example:x/", "the port"),
            ("https://acme.example/it's", "the path"),
            ("https://acme.example/a\\", "the path"),
            ("https://acme.example/a b", "the path"),
            ("https://acme.example/\"", "the path"),
            ("https://acme.example/#top", "the path"),
        ] {
            let error = text.parse::<HealthCheck>().unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }
}
