//! Where names and registrars are asked: types only; the doc comments are the help texts.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use sovereign_core::registrar::RegistrarKind;
use url::Url;

/// Where names and registrars are asked.
#[derive(Debug, Clone, Args)]
pub(crate) struct World {
    /// Root server of a DNS of your own instead of the public one; may be repeated.
    #[arg(
        long,
        global = true,
        value_name = "ADDR",
        value_delimiter = ',',
        env = "SOVEREIGN_DNS_ROOT",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) dns_root: Vec<IpAddr>,
    /// DS or DNSKEY records of the root, one a line [default: those of the public root; none with `--dns-root`].
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "SOVEREIGN_DNS_ANCHOR",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) dns_anchor: Option<PathBuf>,
    /// Port that all name servers answer on, for a lab.
    #[arg(
        long,
        global = true,
        value_name = "PORT",
        default_value_t = 53,
        env = "SOVEREIGN_DNS_PORT",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) dns_port: u16,
    /// Address of an RDAP server that is asked for registrations [default: as IANA lists them; nobody with `--dns-root`].
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "SOVEREIGN_RDAP_SERVER",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) rdap_server: Option<Url>,
    /// Address of the registrar's API, for a lab or a proxy; `KIND=URL` for one registrar alone; may be repeated.
    #[arg(
        long,
        global = true,
        value_name = "[KIND=]URL",
        value_delimiter = ',',
        env = "SOVEREIGN_REGISTRAR_ENDPOINT",
        hide_env_values = true,
        hide_short_help = true
    )]
    pub(crate) registrar_endpoint: Vec<RegistrarEndpoint>,
}

/// Where a registrar answers instead of at its own address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RegistrarEndpoint {
    /// Which one; any without.
    pub(crate) kind: Option<RegistrarKind>,
    /// Scheme and host, and the path that all calls share.
    pub(crate) url: String,
}

impl std::str::FromStr for RegistrarEndpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, url) = match text.split_once('=') {
            Some((kind, url)) if !kind.contains(':') => (Some(named(kind)?), url),
            _ => (None, text),
        };
        let parsed = Url::parse(url).map_err(|error| error.to_string())?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err("neither http nor https".to_owned());
        }
        Ok(Self {
            kind,
            url: url.to_owned(),
        })
    }
}

fn named(word: &str) -> Result<RegistrarKind, String> {
    let mut kinds = RegistrarKind::ALL.into_iter();
    let found = kinds.find(|kind| kind.as_str() == word);
    found.ok_or_else(|| format!("`{word}` is no registrar; `sovereign dns registrars` lists them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_everybodys_or_one_registrars() {
        let of = |text: &str| text.parse::<RegistrarEndpoint>();
        assert_eq!(of("http://127.0.0.1:1/v5?a=b").unwrap().kind, None);
        let one = of("gandi=http://127.0.0.1:1").unwrap();
        assert_eq!(
            (one.kind, one.url.as_str()),
            (Some(RegistrarKind::Gandi), "http://127.0.0.1:1")
        );
        for wrong in [
            "",
            "nic=http://127.0.0.1",
            "gandi=",
            "ftp://127.0.0.1",
            "127.0.0.1:1",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
