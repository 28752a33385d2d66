//! The lab's HTTP side: token, bucket, faults, then the router.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::{Router, routing};
use ipnet::Ipv4Net;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::bucket::Bucket;
use crate::changes::Changes;
use crate::client::LabClient;
use crate::config::LabConfig;
use crate::dns::PowerDns;
use crate::fault::{FaultEffect, Faults};
use crate::hosts::follow::Hosts;
use crate::hosts::site::Site;
use crate::hosts::slot::{self, Slice};
use crate::hosts::{HostError, RunningHost, metadata};
use crate::listing::{self, Query};
use crate::problem::Problem;
use crate::project::{Mischief, Project};
use crate::resources::Outcome;
use crate::router::{Request, route};
use crate::stats::Counter;

/// Everything behind the lab's lock.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) projects: BTreeMap<String, Project>,
    pub(crate) buckets: BTreeMap<String, Bucket>,
    pub(crate) faults: Faults,
    pub(crate) counter: Counter,
    requests: u64,
}

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
    /// There is no name server beside it.
    #[error("the lab's name server does not start")]
    Dns(#[source] io::Error),
}

/// Where a lab's hosts are reached, and where they reach this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// This machine's address that every host reaches.
    pub gateway: Ipv4Addr,
    /// The same for IPv6.
    pub gateway6: Ipv6Addr,
    /// Where the hosts' public addresses are from.
    pub range: Ipv4Net,
    /// Beginning of the names of the lab's network namespaces.
    pub name: String,
}

/// A lab's configuration and state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: LabConfig,
    pub(crate) ground: Option<Ground>,
    /// Where hosts keep their disks and consoles, by number.
    pub(crate) directory: Option<PathBuf>,
    /// Told whenever something may have changed.
    pub(crate) changed: watch::Sender<()>,
    world: Mutex<World>,
    running: Mutex<BTreeMap<u64, Arc<dyn RunningHost>>>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The machines that run, by server.
    pub(crate) fn running(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<dyn RunningHost>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the host side to look.
    pub(crate) fn announce(&self) {
        self.changed.send_replace(());
    }

    /// Writes down what the projects hold, if there is a place for it.
    pub(crate) fn save(&self) -> io::Result<()> {
        let Some(dir) = &self.config.state else {
            return Ok(());
        };
        let bytes = serde_json::to_vec(&self.lock().projects).map_err(io::Error::other)?;
        let fresh = dir.join("lab.json.new");
        std::fs::write(&fresh, bytes)?;
        std::fs::rename(fresh, dir.join("lab.json"))
    }
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
    dns: Option<PowerDns>,
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
        let dns = match config.dns {
            Some(address) => {
                let kept = config.state.as_ref().map(|dir| dir.join("dns"));
                Some(PowerDns::start(address, kept).await.map_err(StartError::Dns)?)
            }
            None => None,
        };
        let site = match &config.hosts {
            Some(hosts) => Some(Arc::new(Site::raise(hosts, config.state.as_deref()).await?)),
            None => None,
        };
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
            project.slice = site
                .as_ref()
                .map(|site| Slice::of(site.slot().number(), index, names.len()));
            let bucket = Bucket::full(config.limits.requests_per_hour, now);
            world.buckets.insert(token.project.clone(), bucket);
        }
        let shared = Arc::new(Shared {
            ground: site.as_ref().map(|site| site.ground()),
            directory: site.as_ref().map(|site| site.base().to_owned()),
            config,
            changed: watch::Sender::new(()),
            world: Mutex::new(world),
            running: Mutex::default(),
            stop: CancellationToken::new(),
        });
        let hosts = match site {
            Some(site) => {
                metadata::serve(shared.clone(), site.slot(), shared.stop.clone()).await?;
                Some(Hosts::start(site, shared.clone()))
            }
            None => None,
        };
        let stop = shared.stop.clone();
        let router = Router::new()
            .route("/lab/v1/{*verb}", routing::any(admin::answer))
            .fallback(answer)
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
}

impl Lab {
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

    /// A client for the lab's own switches.
    pub fn client(&self) -> LabClient {
        LabClient::new(self.address)
    }

    /// Where hosts are, if servers are real.
    pub fn ground(&self) -> Option<&Ground> {
        self.shared.ground.as_ref()
    }

    /// The name server beside it.
    pub fn dns(&self) -> Option<&PowerDns> {
        self.dns.as_ref()
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
        self.shared.save().map_err(|source| StartError::State {
            path: self.shared.config.state.clone().unwrap_or_default(),
            source,
        })?;
        if let Some(dns) = self.dns {
            dns.stop().await;
        }
        if let Some(hosts) = self.hosts {
            hosts.stop().await?;
        }
        match served {
            Ok(Ok(Err(source))) => Err(StartError::Listen {
                address: self.address,
                source,
            }),
            _ => Ok(()),
        }
    }
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

/// What a request leads to, beside its answer.
struct Verdict {
    outcome: Outcome,
    headers: Vec<(&'static str, String)>,
    effects: Vec<FaultEffect>,
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path().strip_prefix("/v1").unwrap_or(uri.path()).to_owned();
    let query: Query = parse_query(uri.query().unwrap_or_default());
    let body = if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_slice::<Value>(&body)
    };
    let body = body.map_err(|error| Problem::new(400, "json_error", error.to_string()));
    let verdict = judge(&shared, &method, &path, &query, &headers, body);
    if method != Method::GET {
        shared.announce();
    }
    for effect in &verdict.effects {
        if let FaultEffect::Delay { ms } = effect {
            tokio::time::sleep(Duration::from_millis(*ms)).await;
        }
    }
    let dropped = verdict
        .effects
        .iter()
        .any(|e| matches!(e, FaultEffect::DropRequest | FaultEffect::DropResponse));
    let response = if dropped { cut() } else { respond(&uri, verdict) };
    let status = if dropped { 0 } else { response.status().as_u16() };
    shared.lock().counter.add(method.as_str(), &path, status);
    response
}

fn judge(
    shared: &Shared,
    method: &Method,
    path: &str,
    query: &Query,
    headers: &HeaderMap,
    body: Result<Value, Problem>,
) -> Verdict {
    let now = Timestamp::now();
    let mut world = shared.lock();
    world.requests += 1;
    let mut told = vec![("X-Correlation-Id", format!("lab-{:08x}", world.requests))];
    let refused = |problem, headers| Verdict {
        outcome: Err(problem),
        headers,
        effects: Vec::new(),
    };
    let bearer = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    let Some(token) = shared
        .config
        .tokens
        .iter()
        .find(|token| Some(token.value.as_str()) == bearer)
    else {
        return refused(Problem::new(401, "unauthorized", "unable to authenticate"), told);
    };
    let World {
        projects,
        buckets,
        faults,
        ..
    } = &mut *world;
    let (Some(project), Some(bucket)) = (projects.get_mut(&token.project), buckets.get_mut(&token.project))
    else {
        return refused(Problem::not_found("project"), told);
    };
    let granted = bucket.take(now);
    told.extend(bucket.headers());
    if !granted {
        return refused(
            Problem::new(429, "rate_limit_exceeded", "limit of requests per hour reached"),
            told,
        );
    }
    if token.read_only && method != Method::GET {
        return refused(Problem::new(401, "token_readonly", "token is read-only"), told);
    }
    let body = match body {
        Ok(body) => body,
        Err(problem) => return refused(problem, told),
    };
    let effects = faults.strike(method.as_str(), path, &body);
    let outcome = if let Some(problem) = effects.iter().find_map(refusal) {
        Err(problem)
    } else {
        project.mischief = mischief(&effects);
        project.advance(now);
        let outcome = route(
            project,
            &Request {
                method: method.as_str(),
                path,
                query,
                body: &body,
            },
        );
        project.mischief = Mischief::default();
        outcome
    };
    Verdict {
        outcome,
        headers: told,
        effects,
    }
}

/// Effects that keep a request from being done.
fn refusal(effect: &FaultEffect) -> Option<Problem> {
    match effect {
        FaultEffect::Error { status, code } => {
            Some(Problem::new(*status, code, format!("{code} (set in the lab)")))
        }
        FaultEffect::DropRequest => Some(Problem::new(500, "dropped", "dropped")),
        _ => None,
    }
}

fn mischief(effects: &[FaultEffect]) -> Mischief {
    let mut mischief = Mischief::default();
    for effect in effects {
        match effect {
            FaultEffect::ActionFails { code } => mischief.action_error = Some(code.clone()),
            FaultEffect::ActionVanishes => mischief.action_vanishes = true,
            FaultEffect::ActionSlow { factor } => mischief.slow = Some(*factor),
            FaultEffect::NoPrivateNic => mischief.no_private_nic = true,
            other => {
                other.note(&mut mischief.host);
            }
        }
    }
    mischief
}

fn respond(uri: &Uri, verdict: Verdict) -> Response {
    let (status, body) = match verdict.outcome {
        Ok(reply) => (reply.status, reply.body),
        Err(problem) => (problem.status, problem.body()),
    };
    let mut response = Response::builder().status(status);
    for (name, value) in verdict.headers {
        response = response.header(name, value);
    }
    if let Some(link) = listing::link(uri.path(), &body) {
        response = response.header("Link", link);
    }
    let response = if status == StatusCode::NO_CONTENT {
        response.body(Body::empty())
    } else {
        response
            .header("Content-Type", "application/json")
            .body(Body::from(body.to_string()))
    };
    response.unwrap_or_default()
}

/// An answer whose connection breaks before the client has any of it.
fn cut() -> Response {
    let broken = futures::stream::once(async { Err::<Bytes, _>(io::Error::other("cut")) });
    let response = Response::builder()
        .header("Content-Length", "1000")
        .body(Body::from_stream(broken));
    response.unwrap_or_default()
}

fn parse_query(text: &str) -> Query {
    let decode = |part: &str| {
        urlencoding::decode(&part.replace('+', " "))
            .map_or_else(|_| part.to_owned(), std::borrow::Cow::into_owned)
    };
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decode(k), decode(v)))
        .collect()
}
