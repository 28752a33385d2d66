//! A web server with one file and with faults.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::stream::{self, StreamExt as _};
use sovereign_images::Digest;
use sovereign_images::download::{Address, DownloadError, Fetched, Options, Shelf, known, latest};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Silence that a client in these tests takes for a dead server.
pub(crate) const SILENCE: Duration = Duration::from_secs(2);

/// What the server does about the next request.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// Breaks off after so many bytes.
    Cut(usize),
    /// Sends so many bytes and then nothing, for ever.
    Hang(usize),
    /// Sends bytes at long intervals, each shorter than [`SILENCE`], all of them longer.
    Trickle,
    /// Answers so, with nothing else.
    Status(StatusCode),
    /// Leads elsewhere.
    Redirect(String),
    /// Answers with a page, named as such or not.
    Page { named: bool },
    /// Takes no notice of ranges.
    Whole,
    /// Takes no notice of `If-Range`.
    AnyVersion,
}

/// What was asked for: `Range`, `If-Range` and `If-None-Match`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) range: String,
    pub(crate) if_range: String,
    pub(crate) if_none_match: String,
}

#[derive(Debug, Default)]
struct Inner {
    content: Bytes,
    etag: Option<String>,
    faults: VecDeque<Fault>,
    /// What the file is after the next request.
    then: Option<(Bytes, String)>,
    asked: Vec<Asked>,
}

/// The server, and the shelf of its only client.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    inner: Arc<Mutex<Inner>>,
}

impl Server {
    pub(crate) async fn start(content: &[u8], etag: Option<&str>) -> Self {
        let inner = Arc::new(Mutex::new(Inner {
            content: Bytes::copy_from_slice(content),
            etag: etag.map(str::to_owned),
            ..Inner::default()
        }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            address,
            folder: tempfile::tempdir().unwrap(),
            inner,
        }
    }

    /// Faults of the next requests, one each.
    pub(crate) fn faults(&self, faults: impl IntoIterator<Item = Fault>) {
        self.inner.lock().unwrap().faults.extend(faults);
    }

    /// After the next request the file is another one.
    pub(crate) fn then(&self, content: &[u8], etag: &str) {
        self.inner.lock().unwrap().then = Some((Bytes::copy_from_slice(content), etag.to_owned()));
    }

    /// From now on the file is another one.
    pub(crate) fn now(&self, content: &[u8], etag: &str) {
        let mut inner = self.inner.lock().unwrap();
        inner.content = Bytes::copy_from_slice(content);
        inner.etag = Some(etag.to_owned());
    }

    /// What was asked for.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.inner.lock().unwrap().asked.clone()
    }

    pub(crate) fn url(&self) -> Address {
        format!("http://{}/file?sig=canary", self.address)
            .parse()
            .unwrap()
    }

    pub(crate) fn shelf(&self) -> Shelf {
        Shelf::new(self.folder.path().join("artifacts"))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("artifacts").join(name)
    }

    pub(crate) async fn known(&self, content: &[u8]) -> Result<Fetched, DownloadError> {
        known(
            &self.shelf(),
            &self.url(),
            Digest::of(content),
            &options(),
            &|_| (),
        )
        .await
    }

    pub(crate) async fn latest(&self) -> Result<Fetched, DownloadError> {
        latest(&self.shelf(), &self.url(), &options(), &|_| ()).await
    }
}

pub(crate) fn options() -> Options {
    Options {
        silence: SILENCE,
        ..Options::default()
    }
}

/// Bytes that differ everywhere.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let mut state = u64::from(seed) + 1;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(&mut next).take(length).collect()
}

async fn answer(State(inner): State<Arc<Mutex<Inner>>>, request: Request) -> Response {
    let mut inner = inner.lock().unwrap();
    let asked = Asked {
        range: text(request.headers(), header::RANGE),
        if_range: text(request.headers(), header::IF_RANGE),
        if_none_match: text(request.headers(), header::IF_NONE_MATCH),
    };
    inner.asked.push(asked.clone());
    let (content, etag) = (inner.content.clone(), inner.etag.clone());
    if let Some((next, tag)) = inner.then.take() {
        (inner.content, inner.etag) = (next, Some(tag));
    }
    let fault = inner.faults.pop_front();
    match &fault {
        Some(Fault::Status(status)) => return status.into_response(),
        Some(Fault::Redirect(to)) => {
            return (StatusCode::FOUND, [(header::LOCATION, to.clone())]).into_response();
        }
        Some(Fault::Page { named }) => {
            let kind = if *named {
                "text/html"
            } else {
                "application/octet-stream"
            };
            return (
                [(header::CONTENT_TYPE, kind)],
                "<!DOCTYPE html><title>login</title>",
            )
                .into_response();
        }
        _ => {}
    }
    if etag.is_some() && etag.as_deref() == Some(asked.if_none_match.as_str()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let from = match &fault {
        Some(Fault::Whole) => 0,
        Some(Fault::AnyVersion) => begin(&asked.range),
        _ if etag.as_deref() == Some(asked.if_range.as_str()) => begin(&asked.range),
        _ => 0,
    };
    whole_or_rest(&content, from, etag.as_deref(), fault.as_ref())
}

fn whole_or_rest(content: &Bytes, from: usize, etag: Option<&str>, fault: Option<&Fault>) -> Response {
    let rest = content.slice(from.min(content.len())..);
    let mut answer = Response::builder()
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, rest.len());
    if let Some(tag) = etag {
        answer = answer.header(header::ETAG, tag);
    }
    if from > 0 {
        let range = format!("bytes {from}-{}/{}", content.len() - 1, content.len());
        answer = answer.status(206).header(header::CONTENT_RANGE, range);
    }
    let body = match fault {
        Some(&Fault::Cut(after)) => {
            // What was sent has left by then: an answer that breaks takes along what the server still holds.
            let broken = stream::once(async {
                tokio::time::sleep(SILENCE / 20).await;
                Err(std::io::Error::other("cut"))
            });
            Body::from_stream(stream::iter([Ok(rest.slice(..after))]).chain(broken))
        }
        Some(&Fault::Hang(after)) => {
            let sent = stream::iter([Ok::<_, Infallible>(rest.slice(..after))]);
            Body::from_stream(sent.chain(stream::pending()))
        }
        Some(Fault::Trickle) => {
            let size = rest.len().div_ceil(6).max(1);
            let chunks: Vec<Bytes> = (0..rest.len())
                .step_by(size)
                .map(|at| rest.slice(at..(at + size).min(rest.len())))
                .collect();
            Body::from_stream(stream::iter(chunks).then(|chunk| async move {
                tokio::time::sleep(SILENCE / 4).await;
                Ok::<_, Infallible>(chunk)
            }))
        }
        _ => Body::from(rest),
    };
    answer.body(body).unwrap()
}

fn begin(range: &str) -> usize {
    let from = range
        .strip_prefix("bytes=")
        .and_then(|range| range.strip_suffix('-'));
    from.map_or(0, |from| from.parse().unwrap())
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> String {
    let value = headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    value.unwrap_or_default()
}
