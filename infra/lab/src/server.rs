//! The lab's HTTP side: token, bucket, faults, then the router.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use axum::{Router, routing};
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::bucket::Bucket;
use crate::changes::Changes;
use crate::client::LabClient;
use crate::config::LabConfig;
use crate::fault::{FaultEffect, Faults};
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

/// A lab's configuration and state.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: LabConfig,
    world: Mutex<World>,
    pub(crate) stop: CancellationToken,
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
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
}

impl Lab {
    /// Starts a lab; it answers when this returns.
    pub async fn start(config: LabConfig) -> io::Result<RunningLab> {
        let listener = TcpListener::bind(config.listen).await?;
        let address = listener.local_addr()?;
        let now = Timestamp::now();
        let mut world = World {
            projects: load(config.state.as_ref())?,
            buckets: BTreeMap::new(),
            faults: Faults::default(),
            counter: Counter::default(),
            requests: 0,
        };
        for token in &config.tokens {
            let fresh = || Project::new(config.limits, config.create_seconds);
            let project = world.projects.entry(token.project.clone()).or_insert_with(fresh);
            project.limits = config.limits;
            project.create_seconds = config.create_seconds;
            project.changes = Changes::on(config.today);
            let bucket = Bucket::full(config.limits.requests_per_hour, now);
            world.buckets.insert(token.project.clone(), bucket);
        }
        let shared = Arc::new(Shared {
            config,
            world: Mutex::new(world),
            stop: CancellationToken::new(),
        });
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
        })
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

    /// Runs until somebody stops it, here or through the lab's own interface.
    pub async fn run(self, stop: CancellationToken) -> io::Result<()> {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.shared.stop.cancelled() => {}
        }
        self.shutdown().await
    }

    /// Stops answering and writes the state down.
    pub async fn shutdown(self) -> io::Result<()> {
        self.shared.stop.cancel();
        // A client may hold its connection open for as long as it likes.
        let served = tokio::time::timeout(Duration::from_secs(1), self.served).await;
        save(&self.shared)?;
        match served {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Ok(()),
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

fn save(shared: &Shared) -> io::Result<()> {
    let Some(dir) = &shared.config.state else {
        return Ok(());
    };
    let bytes = serde_json::to_vec(&shared.lock().projects).map_err(io::Error::other)?;
    let fresh = dir.join("lab.json.new");
    std::fs::write(&fresh, bytes)?;
    std::fs::rename(fresh, dir.join("lab.json"))
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
            _ => {}
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
