//! A registry of another house, played: it wants tokens, breaks connections, and is busy.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, StreamExt as _};
use sovereign_images::client::{Client, Credentials, Options};
use sovereign_images::{Layout, Reference, registry};
use tower::ServiceExt as _;

#[derive(Default)]
pub(crate) struct Mood {
    /// Wants a token, and an account for it.
    pub(crate) tokens: bool,
    /// Answers 503 so often at first.
    pub(crate) busy: AtomicUsize,
    /// Breaks a blob's transfer after so many bytes.
    pub(crate) breaks_after: Option<usize>,
    /// Takes no notice of ranges.
    pub(crate) no_ranges: bool,
    /// What was asked for.
    pub(crate) seen: Mutex<Vec<String>>,
}

#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    pub(crate) mood: Arc<Mood>,
    inner: Router,
}

impl Upstream {
    pub(crate) async fn start(layout: &Layout, mood: Mood) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Self {
            address: listener.local_addr().unwrap(),
            mood: Arc::new(mood),
            inner: registry::router(layout.clone()).unwrap(),
        };
        let router = Router::new().fallback(answer).with_state(upstream.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        upstream
    }

    pub(crate) fn client(&self, password: Option<&str>) -> Client {
        let host = self.address.to_string();
        let credentials = password.map(|password| {
            let user = "someone".to_owned();
            (
                host.clone(),
                Credentials {
                    user,
                    password: password.into(),
                },
            )
        });
        Client::new(Options {
            plain_http: BTreeSet::from([host]),
            credentials: credentials.into_iter().collect(),
            ..Options::default()
        })
        .unwrap()
    }

    pub(crate) fn reference(&self, rest: &str) -> Reference {
        format!("{}/{rest}", self.address).parse().unwrap()
    }

    pub(crate) fn seen(&self, what: &str) -> usize {
        self.mood
            .seen
            .lock()
            .unwrap()
            .iter()
            .filter(|seen| seen.contains(what))
            .count()
    }
}

async fn answer(State(upstream): State<Upstream>, mut request: Request) -> Response {
    let mood = &upstream.mood;
    let text = |request: &Request, name| {
        let value = request.headers().get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default().to_owned()
    };
    let (path, who) = (
        request.uri().path().to_owned(),
        text(&request, header::AUTHORIZATION),
    );
    mood.seen
        .lock()
        .unwrap()
        .push(format!("{path} {}", text(&request, header::RANGE)));
    if path == "/token" {
        // someone:secret
        return match who.as_str() {
            "Basic c29tZW9uZTpzZWNyZXQ=" => {
                r#"{"token":"t","access_token":"t","expires_in":60}"#.into_response()
            }
            _ => StatusCode::UNAUTHORIZED.into_response(),
        };
    }
    if mood
        .busy
        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
        .is_ok()
    {
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "0")]).into_response();
    }
    if mood.tokens && who != "Bearer t" {
        let realm = format!(
            r#"Bearer realm="http://{}/token",service="x",scope="repository:kit:pull""#,
            upstream.address
        );
        return (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, realm)]).into_response();
    }
    if mood.no_ranges {
        request.headers_mut().remove(header::RANGE);
    }
    let is_blob = path.contains("/blobs/");
    let response = upstream.inner.oneshot(request).await.unwrap();
    match mood.breaks_after {
        Some(after) if is_blob && response.status().is_success() => broken(response, after).await,
        _ => response,
    }
}

/// The same answer, whose body ends too soon.
async fn broken(response: Response, after: usize) -> Response {
    let (parts, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    if body.len() <= after {
        return Response::from_parts(parts, Body::from(body));
    }
    let end = async {
        // What was sent before shall arrive.
        tokio::time::sleep(Duration::from_millis(100)).await;
        Err(std::io::Error::other("broken"))
    };
    let pieces = stream::once(async move { Ok(body.slice(..after)) }).chain(stream::once(end));
    Response::from_parts(parts, Body::from_stream(pieces))
}
