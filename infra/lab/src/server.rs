//! A lab from its start to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::{Router, routing};
use jiff::Timestamp;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bucket::Bucket;
use crate::changes::Changes;
use crate::client::LabClient;
use crate::config::{DnsConfig, LabConfig, Token};
use crate::fault::Faults;
use crate::hosts::HostError;
use crate::hosts::follow::Hosts;
use crate::hosts::site::Site;
use crate::hosts::slot::{self, Slice};
use crate::private_dns::{PrivateDns, PrivateDnsConfig};
use crate::project::Project;
use crate::registrars::{RegistrarSim, Registrars};
use crate::shared::{Ground, Shared, World};
use crate::stats::Counter;
use crate::{admin, api};

/// Why a lab did not start or end well.
#[derive(Debug, Error)]
pub enum StartError {
    /// The address is taken, or not this machine's.
    #[error("the lab cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// The state directory cannot be read or written.
    #[error("the lab cannot use its state directory {}", .path.display())]
    State {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Servers cannot be real hosts.
    #[error(transparent)]
    Hosts(#[from] HostError),
    /// There is no DNS beside it.
    #[error("the lab's name servers do not start")]
    Dns(#[source] io::Error),
}

/// A cloud on this machine.
#[derive(Debug)]
pub struct Lab;

/// A lab that answers.
#[derive(Debug)]
pub struct RunningLab {
    address: SocketAddr,
    shared: Arc<Shared>,
    served: JoinHandle<io::Result<()>>,
    hosts: Option<Hosts>,
    dns: Option<PrivateDns>,
}

impl Lab {
    /// Starts a lab; it answers when this returns. Where servers are to be real hosts, their root file system is made
    /// first if no lab has done so before, which takes half a minute.
    pub async fn start(config: LabConfig) -> Result<RunningLab, StartError> {
        let listen = |source| StartError::Listen {
            address: config.listen,
            source,
        };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        let projects = load(config.state.as_ref()).map_err(|source| StartError::State {
            path: config.state.clone().unwrap_or_default(),
            source,
        })?;
        let (dns, registrars) = match &config.dns {
            Some(wanted) => {
                let (dns, registrars) = private_dns(&config, wanted).await.map_err(StartError::Dns)?;
                (Some(dns), registrars)
            }
            None => (None, Registrars::new()),
        };
        let site = match &config.hosts {
            Some(hosts) => Some(Arc::new(Site::raise(hosts, config.state.as_deref()).await?)),
            None => None,
        };
        let world = world(&config, projects, site.as_deref());
        let shared = Arc::new(Shared {
            ground: site.as_ref().map(|site| site.ground()),
            directory: site.as_ref().map(|site| site.base().to_owned()),
            config,
            registrars,
            name_servers: dns.iter().flat_map(PrivateDns::operator_apis).collect(),
            changed: watch::Sender::new(()),
            world: Mutex::new(world),
            running: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let hosts = match site {
            Some(site) => Some(Hosts::start(site, shared.clone()).await?),
            None => None,
        };
        let stop = shared.stop.clone();
        let router = Router::new()
            .route("/lab/v1/{*verb}", routing::any(admin::answer))
            .fallback(api::answer)
            .with_state(shared.clone());
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        Ok(RunningLab {
            address,
            shared,
            served: tokio::spawn(async move { serving.await }),
            hosts,
            dns,
        })
    }

    /// Removes what labs with hosts left behind that were killed: processes, namespaces, disks.
    pub async fn sweep() -> Result<(), StartError> {
        Ok(slot::sweep().await?)
    }
}

impl RunningLab {
    /// Where clients of the cloud's API go, up to and with `/v1`.
    pub fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The first token.
    pub fn token(&self) -> &str {
        self.shared
            .config
            .tokens
            .first()
            .map_or("", |token| token.value.as_str())
    }

    /// Another token of the first one's project that may write, or nothing.
    pub fn second_token(&self) -> &str {
        let tokens = &self.shared.config.tokens;
        let second = tokens.split_first().and_then(|(first, others)| {
            let like = |token: &&Token| token.project == first.project && !token.read_only;
            others.iter().find(like)
        });
        second.map_or("", |token| token.value.as_str())
    }

    /// A client for the lab's own switches.
    pub fn client(&self) -> LabClient {
        LabClient::new(self.address)
    }

    /// Where hosts are, if servers are real.
    pub fn ground(&self) -> Option<&Ground> {
        self.shared.ground.as_ref()
    }

    /// The DNS beside it.
    pub fn dns(&self) -> Option<&PrivateDns> {
        self.dns.as_ref()
    }

    /// The registrars beside it.
    pub fn registrars(&self) -> impl Iterator<Item = &RegistrarSim> {
        self.shared.registrars.values()
    }

    /// Runs until somebody stops it, here or through the lab's own interface.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.shared.stop.cancelled() => {}
        }
        self.shutdown().await
    }

    /// Stops answering, ends every host and writes the state down.
    pub async fn shutdown(self) -> Result<(), StartError> {
        self.shared.stop.cancel();
        // A client may hold its connection open for as long as it likes.
        let served = tokio::time::timeout(Duration::from_secs(1), self.served).await;
        if let Some(dns) = self.dns {
            dns.stop().await;
        }
        let ended = match self.hosts {
            Some(hosts) => hosts.stop().await,
            None => Ok(()),
        };
        self.shared.save().map_err(|source| StartError::State {
            path: self.shared.config.state.clone().unwrap_or_default(),
            source,
        })?;
        ended?;
        match served {
            Ok(Ok(Err(source))) => Err(StartError::Listen {
                address: self.address,
                source,
            }),
            _ => Ok(()),
        }
    }
}

/// The DNS of a lab, with who is in it.
async fn private_dns(config: &LabConfig, wanted: &DnsConfig) -> io::Result<(PrivateDns, Registrars)> {
    let dns = PrivateDns::start(PrivateDnsConfig {
        state: config.state.as_ref().map(|dir| dir.join("dns")),
        ..PrivateDnsConfig::default()
    })
    .await?;
    let registrars = dns.furnish(wanted).await?;
    Ok((dns, registrars))
}

/// The projects that the tokens open, brought to how the lab is set up.
fn world(config: &LabConfig, projects: BTreeMap<String, Project>, site: Option<&Site>) -> World {
    let now = Timestamp::now();
    let mut world = World {
        projects,
        buckets: BTreeMap::new(),
        faults: Faults::default(),
        counter: Counter::default(),
        requests: 0,
    };
    let names: BTreeSet<&str> = config.tokens.iter().map(|token| token.project.as_str()).collect();
    for token in &config.tokens {
        let index = names
            .iter()
            .position(|name| *name == token.project)
            .unwrap_or_default();
        let fresh = || Project::new(index as u64, config.limits, config.create_seconds);
        let project = world.projects.entry(token.project.clone()).or_insert_with(fresh);
        project.limits = config.limits;
        project.create_seconds = config.create_seconds;
        project.changes = Changes::on(config.today);
        project.slice = site.map(|site| Slice::of(site.slot().number(), index, names.len()));
        let bucket = Bucket::full(config.limits.requests_per_hour, now);
        world.buckets.insert(token.project.clone(), bucket);
    }
    world
}

fn load(state: Option<&PathBuf>) -> io::Result<BTreeMap<String, Project>> {
    let Some(dir) = state else {
        return Ok(BTreeMap::new());
    };
    std::fs::create_dir_all(dir)?;
    match std::fs::read(dir.join("lab.json")) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error),
    }
}
