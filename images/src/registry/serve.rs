//! Connections over TLS: so many at most, each with its time, all of them ended in order.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::stall::Stalling;

/// Connections at a time. Further ones wait to be accepted.
const CONNECTIONS: usize = 512;
/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for a request's head, and between requests.
const HEAD: Duration = Duration::from_mins(1);
/// Largest head of a request, in bytes; also what one connection may hold back before it writes.
const MAX_HEAD: usize = 16 * 1024;
/// Longest wait for transfers that go on when the end is ordered.
const GRACE: Duration = Duration::from_secs(20);
/// Pause after the system has refused us a connection, for want of file handles for example.
const PAUSE: Duration = Duration::from_millis(200);

/// Why nothing can be served. Never holds a key.
#[derive(Debug, Error)]
#[error("the registry cannot be served: {what}: {why}")]
pub struct ServeError {
    what: &'static str,
    why: String,
}

/// TLS 1.3 by a certificate (with the chain behind it, if there is one) and its key, both in PEM. HTTP/1.1 is what clients
/// are offered: it is the faster one for large blobs.
pub fn tls(certificate_pem: &str, key_pem: &SecretString) -> Result<ServerConfig, ServeError> {
    let cannot = |what: &'static str| move |why: String| ServeError { what, why };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate_pem.as_bytes()).collect();
    let chain = chain.map_err(|e| cannot("its certificate")(e.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.expose_secret().as_bytes());
    let key = key.map_err(|e| cannot("its key")(e.to_string()))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|e| cannot("TLS")(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| cannot("its certificate and key")(e.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Serves until `shutdown` is cancelled, then lets transfers end for up to 20 s. Dropping it ends all at once.
pub async fn serve(listener: TcpListener, tls: ServerConfig, router: Router, shutdown: CancellationToken) {
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    while let Some(Ok(place)) = shutdown.run_until_cancelled(room.clone().acquire_owned()).await {
        while connections.try_join_next().is_some() {}
        let accepted = match shutdown.run_until_cancelled(listener.accept()).await {
            None => break,
            Some(Ok((stream, _))) => stream,
            Some(Err(error)) => {
                tracing::warn!(%error, "the registry can accept no connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let connection = converse(accepted, acceptor.clone(), router.clone(), shutdown.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    drop(listener);
    if timeout(GRACE, async { while connections.join_next().await.is_some() {} })
        .await
        .is_err()
    {
        tracing::info!(
            left = connections.len(),
            "transfers were cut off at the end of the registry"
        );
    }
}

async fn converse(stream: TcpStream, acceptor: TlsAcceptor, router: Router, shutdown: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let handshake = timeout(HANDSHAKE, acceptor.accept(Stalling::new(stream)));
    let stream = match shutdown.run_until_cancelled(handshake).await {
        Some(Ok(Ok(stream))) => stream,
        Some(Ok(Err(error))) => return tracing::debug!(%error, "no handshake with the registry"),
        Some(Err(_)) => return tracing::debug!("no handshake with the registry in time"),
        None => return,
    };
    let mut requests = std::pin::pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(MAX_HEAD)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router))
    );
    let ended = tokio::select! {
        ended = requests.as_mut() => ended,
        () = shutdown.cancelled() => {
            requests.as_mut().graceful_shutdown();
            requests.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the registry broke");
    }
}
