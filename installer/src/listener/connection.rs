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

/// Largest head of a request, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// How long a caller may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the handshake.
    pub(super) handshake: Duration,
    /// For a request's head, and between requests.
    pub(super) head: Duration,
    /// For a connection that is no link: time for the agent's binary over a slow line.
    pub(super) life: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            handshake: Duration::from_secs(10),
            head: Duration::from_secs(10),
            life: Duration::from_mins(5),
        }
    }
}

pub(super) async fn serve(
    stream: TcpStream,
    from: SocketAddr,
    tls: Arc<ServerConfig>,
    served: Arc<Served>,
    patience: Patience,
) {
    // Frames are small, and wait for nobody.
    let _ = stream.set_nodelay(true);
    let stream = match timeout(patience.handshake, TlsAcceptor::from(tls).accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            served.hub.called_in_vain(&format!(
                "somebody at {} called and broke off: {error}; a host that does so has another installer's user data, or its clock is wrong",
                from.ip()
            ));
            return tracing::info!(%from, %error, "no handshake: whoever calls does not trust this installer, or has a certificate of another");
        }
        Err(_) => return tracing::debug!(%from, "no handshake in time"),
    };
    let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    let caller = Arc::new(Caller::new(certificate.map(|der| der.to_vec())));
    let routes = routes::of(served.clone(), caller.clone());
    let requests = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .max_buf_size(MAX_HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes))
        .with_upgrades();
    match timeout(patience.life, requests).await {
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
