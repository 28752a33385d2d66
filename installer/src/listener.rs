//! Where hosts call: the agent to download, enrolment, and links, over TLS. Nothing else is served here.
//!
//! Anyone may connect, so nobody is waited for: handshakes, requests and whole connections have their time, bodies their
//! size, and there are so many connections at most. Only a link may last.

mod certificate;
mod connection;
mod routes;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use sovereign_engine::step::chain;
use sovereign_remote::Hub;
use sovereign_remote::dialer::AgentBinary;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use url::Url;

use crate::errors::CliError;

use self::certificate::ServerTls;
use self::connection::Patience;
use self::routes::Served;

/// Connections at a time, links among them.
const CONNECTIONS: usize = 4096;
/// Pause after the system has refused us a connection, for want of file handles for example.
const PAUSE: Duration = Duration::from_secs(1);

/// Hosts are listened for until this is dropped; their links end with it.
#[derive(Debug)]
pub(crate) struct Listening {
    #[cfg(test)]
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listening {
    /// Begins to listen at an address, under the name or IP address in the URL that hosts are given.
    pub(crate) async fn start(
        address: SocketAddr,
        url: &str,
        hub: Arc<Hub>,
        agent: AgentBinary,
    ) -> Result<Self, CliError> {
        Self::with_patience(address, url, hub, agent, Patience::default()).await
    }

    async fn with_patience(
        address: SocketAddr,
        url: &str,
        hub: Arc<Hub>,
        agent: AgentBinary,
        patience: Patience,
    ) -> Result<Self, CliError> {
        let failed = |source| CliError::Listen { address, source };
        let tls = ServerTls::new(hub.clone(), host_of(url)?);
        tls.config()
            .map_err(|error| CliError::NodeLink { why: chain(&error) })?;
        let socket = TcpListener::bind(address).await.map_err(failed)?;
        #[cfg(test)]
        let address = socket.local_addr().map_err(failed)?;
        let served = Arc::new(Served { hub, agent });
        Ok(Self {
            #[cfg(test)]
            address,
            accepting: tokio::spawn(accept(socket, tls, served, patience)),
        })
    }
}

fn host_of(url: &str) -> Result<String, CliError> {
    let host = match Url::parse(url).ok().as_ref().and_then(Url::host) {
        Some(url::Host::Domain(name)) => Some(name.to_owned()),
        Some(url::Host::Ipv4(ip)) => Some(ip.to_string()),
        Some(url::Host::Ipv6(ip)) => Some(ip.to_string()),
        None => None,
    };
    host.ok_or_else(|| CliError::Advertise { url: url.to_owned() })
}

/// Takes connections in until it is given up; they end with it.
async fn accept(socket: TcpListener, tls: ServerTls, served: Arc<Served>, patience: Patience) {
    let room = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = room.clone().acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        let accepted = socket.accept().await;
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection can be accepted");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let config = match tls.config() {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(%error, "the listener has no certificate");
                continue;
            }
        };
        let served = served.clone();
        connections.spawn(async move {
            connection::serve(stream, from, config, served, patience).await;
            drop(place);
        });
    }
}

#[cfg(test)]
mod tests;
