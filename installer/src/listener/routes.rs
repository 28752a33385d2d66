//! What hosts may ask for; see [`sovereign_remote::wire`].

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::{CONNECTION, CONTENT_TYPE, UPGRADE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use hyper::upgrade::OnUpgrade;
use sovereign_core::name::SovereignName;
use sovereign_engine::step::chain;
use sovereign_remote::dialer::AgentBinary;
use sovereign_remote::hub::EnrolError;
use sovereign_remote::wire::{self, EnrolAnswer, EnrolRequest, MAX_BODY, RefusedAnswer};
use sovereign_remote::{Hub, NodeId};

/// Longest wait for the body of a request.
const BODY: Duration = Duration::from_secs(10);

/// What every connection is served from.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) hub: Arc<Hub>,
    pub(super) agent: AgentBinary,
}

/// Who is at the other end of a connection, and the link that it is to become.
#[derive(Debug)]
pub(super) struct Caller {
    certificate: Option<Vec<u8>>,
    link: Mutex<Option<(NodeId, OnUpgrade)>>,
}

type Context = State<(Arc<Served>, Arc<Caller>)>;

impl Caller {
    pub(super) fn new(certificate: Option<Vec<u8>>) -> Self {
        Self {
            certificate,
            link: Mutex::default(),
        }
    }

    /// The link that the connection is to become, once.
    pub(super) fn link(&self) -> Option<(NodeId, OnUpgrade)> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn become_link(&self, node: NodeId, upgrade: OnUpgrade) {
        *self.link.lock().unwrap_or_else(PoisonError::into_inner) = Some((node, upgrade));
    }
}

/// The routes of one connection.
pub(super) fn of(served: Arc<Served>, caller: Arc<Caller>) -> Router {
    Router::new()
        .route("/{sovereign}/v1/agent/{sha256}", get(agent))
        .route(&format!("/{{sovereign}}{}", wire::ENROL), post(enrol))
        .route(&format!("/{{sovereign}}{}", wire::LINK), get(link))
        .with_state((served, caller))
}

async fn agent(State((served, _)): Context, Path((_, sha256)): Path<(SovereignName, String)>) -> Response {
    if sha256 != served.agent.sha256() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let bytes = Bytes::from_owner(served.agent.clone());
    ([(CONTENT_TYPE, "application/octet-stream")], bytes).into_response()
}

async fn enrol(State((served, _)): Context, Path(sovereign): Path<SovereignName>, body: Body) -> Response {
    let Ok(body) = tokio::time::timeout(BODY, to_bytes(body, MAX_BODY)).await else {
        return StatusCode::REQUEST_TIMEOUT.into_response();
    };
    let Ok(body) = body else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    // What is wrong with it is not told: it holds a ticket.
    let Ok(request) = serde_json::from_slice::<EnrolRequest>(&body) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let Ok(node) = format!("{sovereign}/{}", request.node).parse::<NodeId>() else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    match served.hub.enrol(&node, &request.ticket, &request.csr).await {
        Ok(enrolled) => Json(EnrolAnswer {
            certificate: enrolled.certificate,
            ca: enrolled.ca,
        })
        .into_response(),
        Err(error) => refusal(error),
    }
}

async fn link(
    State((served, caller)): Context,
    Path(sovereign): Path<SovereignName>,
    headers: HeaderMap,
    mut request: Request,
) -> Response {
    let asked = headers
        .get(UPGRADE)
        .is_some_and(|upgrade| upgrade == wire::UPGRADE);
    let upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let Some(upgrade) = upgrade.filter(|_| asked) else {
        return StatusCode::UPGRADE_REQUIRED.into_response();
    };
    let Some(certificate) = &caller.certificate else {
        return turned_away("the host shows no certificate", "enrol first");
    };
    match served.hub.admit(certificate).await {
        Ok(node) if node.sovereign == sovereign => {
            caller.become_link(node, upgrade);
            let headers = [(CONNECTION, "upgrade"), (UPGRADE, wire::UPGRADE)];
            (StatusCode::SWITCHING_PROTOCOLS, headers).into_response()
        }
        Ok(node) => turned_away(
            &format!("`{node}` is no node of `{sovereign}`"),
            "see which `--url` the agent was installed with",
        ),
        Err(error) => refusal(error),
    }
}

fn refusal(error: EnrolError) -> Response {
    match error {
        EnrolError::Refused(refused) => turned_away(&refused.why, &refused.remedy),
        EnrolError::Book(_) | EnrolError::Authority(_) => {
            tracing::error!(error = chain(&error), "a host cannot be served");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

fn turned_away(why: &str, remedy: &str) -> Response {
    let (why, remedy) = (why.to_owned(), remedy.to_owned());
    (StatusCode::FORBIDDEN, Json(RefusedAnswer { why, remedy })).into_response()
}
