//! One connection: a handshake, requests, and perhaps a link that it turns into.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use sovereign_remote::Transport;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::routes::{self, Caller, Served};

/// Longest handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Longest wait for a request's head, and between requests.
const HEAD: Duration = Duration::from_secs(10);
/// Longest life of a connection that is no link: time for the agent's binary over a slow line.
const LIFE: Duration = Duration::from_mins(5);
/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

pub(super) async fn serve(stream: TcpStream, from: SocketAddr, tls: Arc<ServerConfig>, served: Arc<Served>) {
    // Frames are small, and wait for nobody.
    let _ = stream.set_nodelay(true);
    let stream = match timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            return tracing::info!(%from, %error, "no handshake: whoever calls does not trust this installer, or has a certificate of another");
        }
        Err(_) => return tracing::debug!(%from, "no handshake in time"),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let caller = Arc::new(Caller::new(certificate.map(|der| der.to_vec())));
    let routes = routes::of(served.clone(), caller.clone());
    let requests = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    match timeout(LIFE, requests).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => return tracing::debug!(%from, %error, "connection broke"),
        Err(_) => return tracing::debug!(%from, "connection took too long"),
    }
    let Some((node, upgrade)) = caller.link() else {
        return;
    };
    match upgrade.await {
        Ok(stream) => {
            served
                .hub
                .attach(&node, TokioIo::new(stream), Transport::Https)
                .await;
        }
        Err(error) => tracing::debug!(%from, %error, "connection did not become a link"),
    }
}
