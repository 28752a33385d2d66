//! A registry asked as its clients ask it: over TLS, trusting one CA and nothing else.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::HOST;
use axum::http::{Request, StatusCode};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::digest::Digest;
use crate::layout::{Layout, LayoutError, MAX_MANIFEST};

/// Longest wait for each answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why a registry is not seen to serve what it should.
#[derive(Debug, Error)]
pub enum ProbeError {
    /// Nobody answers, or not as a registry with a certificate by that CA.
    #[error("{address} does not answer: {why}")]
    Silent {
        /// Who was asked.
        address: SocketAddr,
        /// The system's words, or those of TLS.
        why: String,
    },
    /// It answers something else.
    #[error("{address} answers `GET {path}` with {found}")]
    Other {
        /// Who was asked.
        address: SocketAddr,
        /// For what.
        path: String,
        /// What came.
        found: String,
    },
    /// There is nothing to ask for.
    #[error("there is no manifest to ask for")]
    Empty,
    /// What it should serve cannot be read.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// Asks a registry whether it is one, and for a manifest of the layout that it should serve. Its certificate has to be by this CA and
/// for this address.
pub async fn probe(address: SocketAddr, ca_pem: &str, layout: &Layout) -> Result<(), ProbeError> {
    let (path, digest) = a_manifest(layout)?;
    get(address, ca_pem, "/v2/").await?;
    let found = Digest::of(&get(address, ca_pem, &path).await?);
    if found == digest {
        return Ok(());
    }
    let found = format!("the bytes of `{found}`");
    Err(ProbeError::Other { address, path, found })
}

/// The path and the digest of some manifest.
fn a_manifest(layout: &Layout) -> Result<(String, Digest), ProbeError> {
    let catalog = layout.catalog()?;
    let first = catalog.repositories().find_map(|name| {
        let digest = catalog.stock(name)?.manifests().next()?;
        Some((format!("/v2/{name}/manifests/{digest}"), digest))
    });
    first.ok_or(ProbeError::Empty)
}

async fn get(address: SocketAddr, ca_pem: &str, path: &str) -> Result<Vec<u8>, ProbeError> {
    let silent = |why: String| ProbeError::Silent { address, why };
    let answer = timeout(PATIENCE, try_get(address, ca_pem, path)).await;
    let (status, body) = answer
        .map_err(|_| silent(format!("nothing came within {} s", PATIENCE.as_secs())))?
        .map_err(|error| silent(error.to_string()))?;
    if status == StatusCode::OK {
        return Ok(body);
    }
    Err(ProbeError::Other {
        address,
        path: path.to_owned(),
        found: status.to_string(),
    })
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn try_get(address: SocketAddr, ca_pem: &str, path: &str) -> Result<(StatusCode, Vec<u8>), Failed> {
    let connector = TlsConnector::from(Arc::new(trusting(ca_pem)?));
    let stream = TcpStream::connect(address).await?;
    let stream = connector.connect(ServerName::from(address.ip()), stream).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::get(path)
        .header(HOST, address.to_string())
        .body(Body::empty())?;
    let ask = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let limit = usize::try_from(MAX_MANIFEST)?;
        let body = axum::body::to_bytes(Body::new(answer.into_body()), limit).await?;
        Ok((status, body.to_vec()))
    };
    tokio::select! {
        answer = ask => answer,
        Err(broken) = connection => Err(broken.into()),
    }
}

fn trusting(ca_pem: &str) -> Result<ClientConfig, Failed> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes())?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
