//! The HTTP client of one call: TLS 1.3 by ring, one CA, no proxy, no redirect.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use reqwest::redirect::Policy;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret as _;

use super::{Credentials, DialError};

/// Silence of the network after which a connection is taken for dead.
const GONE_AFTER: Duration = Duration::from_secs(20);
/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

pub(super) fn new(ca_pem: &str, credentials: Option<&Credentials>) -> Result<Client, DialError> {
    let mut roots = RootCertStore::empty();
    for certificate in chain("the installer's CA", ca_pem)? {
        let added = roots.add(certificate);
        added.map_err(|error| DialError::material("the installer's CA", &error))?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| DialError::material("TLS", &error))?
        .with_root_certificates(roots);
    let mut config = match credentials {
        None => config.with_no_client_auth(),
        Some(Credentials {
            certificate_pem,
            key_pem,
        }) => {
            let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes());
            let key = key.map_err(|error| DialError::material("the host's key", &error))?;
            let config = config.with_client_auth_cert(chain("the host's certificate", certificate_pem)?, key);
            config.map_err(|error| DialError::material("the host's certificate", &error))?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let client = Client::builder()
        .tls_backend_preconfigured(config)
        .no_proxy()
        .http1_only()
        .redirect(Policy::none())
        .connect_timeout(CONNECT_WITHIN)
        // A link lasts for hours: one whose other end is gone must not look alive.
        .tcp_keepalive(GONE_AFTER)
        .tcp_user_timeout(GONE_AFTER)
        .build();
    client.map_err(|error| DialError::material("the HTTP client", &error))
}

fn chain(what: &'static str, pem: &str) -> Result<Vec<CertificateDer<'static>>, DialError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let certificates = certificates.map_err(|error| DialError::material(what, &error))?;
    if certificates.is_empty() {
        return Err(DialError::material(what, &"there is no certificate in it"));
    }
    Ok(certificates)
}
