//! Looks at addresses: a connection, or a page over one.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use reqwest::Client;
use reqwest::redirect::Policy;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{CheckUrl, HealthCheck, Seen};

/// Looks under way at a time.
const AT_ONCE: usize = 32;

/// No client can be set up on this machine.
#[derive(Debug, Error)]
#[error("nothing can be asked over HTTP on this machine")]
pub struct ObserverError(#[from] reqwest::Error);

/// Looks at every address, the same way each time and with connections of their own.
#[derive(Debug)]
pub struct Observer {
    probes: Vec<Probe>,
    patience: Duration,
}

#[derive(Debug)]
enum Probe {
    Tcp(SocketAddr),
    Get {
        address: IpAddr,
        url: String,
        client: Client,
    },
}

impl Observer {
    /// Whoever does not answer within `patience` fails.
    pub fn new(
        check: &HealthCheck,
        addresses: &BTreeSet<IpAddr>,
        patience: Duration,
    ) -> Result<Self, ObserverError> {
        let probe = |address: &IpAddr| match check {
            HealthCheck::Tcp(port) => Ok(Probe::Tcp(SocketAddr::new(*address, port.get()))),
            HealthCheck::Get(url) => Ok(Probe::Get {
                address: *address,
                url: url.to_string(),
                client: client(url, *address, patience)?,
            }),
        };
        Ok(Self {
            probes: addresses
                .iter()
                .map(probe)
                .collect::<Result<_, ObserverError>>()?,
            patience,
        })
    }

    /// One look at each address.
    pub async fn round(&self) -> BTreeMap<IpAddr, Seen> {
        let looks = self.probes.iter().map(|probe| async move {
            let seen = timeout(self.patience, probe.look()).await;
            let late = || Seen::Fails {
                why: format!("no answer within {} s", self.patience.as_secs_f32()),
            };
            (probe.address(), seen.unwrap_or_else(|_| late()))
        });
        let looks: Vec<_> = looks.collect();
        stream::iter(looks).buffer_unordered(AT_ONCE).collect().await
    }
}

impl Probe {
    fn address(&self) -> IpAddr {
        match self {
            Self::Tcp(address) => address.ip(),
            Self::Get { address, .. } => *address,
        }
    }

    async fn look(&self) -> Seen {
        match self {
            Self::Tcp(address) => match TcpStream::connect(address).await {
                Ok(_) => Seen::Answers,
                Err(error) => failed(&error),
            },
            Self::Get { url, client, .. } => match client.get(url).send().await {
                Ok(answer) if answer.status().as_u16() < 400 => Seen::Answers,
                Ok(answer) => Seen::Fails {
                    why: format!("it answers {}", answer.status()),
                },
                Err(error) => failed(&error.without_url()),
            },
        }
    }
}

/// A client that finds the URL's host at that address alone.
fn client(url: &CheckUrl, address: IpAddr, patience: Duration) -> Result<Client, ObserverError> {
    Ok(Client::builder()
        .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
        .resolve(url.host().as_str(), SocketAddr::new(address, url.port()))
        .no_proxy()
        .redirect(Policy::none())
        // A connection that is still open says nothing about whether another one can be made.
        .pool_max_idle_per_host(0)
        .timeout(patience)
        .build()?)
}

/// The innermost reason says most, and whether it is this machine that lacks the way.
fn failed(error: &(dyn StdError + 'static)) -> Seen {
    let mut innermost = error;
    let mut has_way = true;
    loop {
        let kind = innermost.downcast_ref::<io::Error>().map(io::Error::kind);
        has_way &= !matches!(
            kind,
            Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::AddrNotAvailable)
        );
        match innermost.source() {
            Some(source) => innermost = source,
            None => break,
        }
    }
    let why = innermost.to_string();
    if has_way {
        Seen::Fails { why }
    } else {
        Seen::NoWay { why }
    }
}
