//! The cloud's API over HTTP: token, bucket, faults, then the router.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::Response;
use jiff::Timestamp;
use serde_json::Value;

use crate::fault::FaultEffect;
use crate::listing::{self, Query};
use crate::problem::Problem;
use crate::project::Mischief;
use crate::resources::Outcome;
use crate::router::{Request, route};
use crate::shared::{Shared, World};

/// What a request leads to, beside its answer.
struct Verdict {
    outcome: Outcome,
    headers: Vec<(&'static str, String)>,
    effects: Vec<FaultEffect>,
}

/// Answers one request.
pub(crate) async fn answer(
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
