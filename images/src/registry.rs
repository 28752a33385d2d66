//! A read-only registry over a layout: OCI distribution specification 1.1, the pull half and referrers.
//!
//! Its clients are containerd, Flux's source-controller, Helm and Crossplane. A mirror's request says in `ns` which registry
//! it stands for; then `ns/name` is looked for first, and `name` after it. Nobody has to log in: what is served is what every
//! node holds anyway, and its readers check digests and signatures.
//!
//! The layout may change while it is served; a new `index.json` is seen by the next request.

mod answer;
mod blobs;
mod buffers;
mod current;
mod manifests;
mod path;
mod probe;
mod range;
mod refusal;
mod serve;
mod stall;
mod tags;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::Method;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;

use crate::layout::{Layout, LayoutError};

use self::buffers::Buffers;
use self::current::Current;
use self::path::Asked;
use self::refusal::Refusal;

pub use self::probe::{ProbeError, probe};
pub use self::serve::{ServeError, serve, tls};

/// What is served.
#[derive(Debug)]
struct Registry {
    layout: Layout,
    current: Current,
    buffers: Arc<Buffers>,
}

/// What a request may say behind `?`.
#[derive(Debug, Default, Deserialize)]
struct Params {
    ns: Option<String>,
    n: Option<String>,
    last: Option<String>,
    #[serde(rename = "artifactType")]
    artifact_type: Option<String>,
}

/// The routes of a registry over a layout. Fails if the layout cannot be read now.
pub fn router(layout: Layout) -> Result<Router, LayoutError> {
    let registry = Registry {
        current: Current::read(&layout)?,
        layout,
        buffers: Arc::default(),
    };
    Ok(Router::new().fallback(handle).with_state(Arc::new(registry)))
}

async fn handle(
    State(registry): State<Arc<Registry>>,
    params: Result<Query<Params>, QueryRejection>,
    request: Parts,
) -> Response {
    let params = params.map(|Query(params)| params).unwrap_or_default();
    match registry.answer(&params, &request).await {
        Ok(response) => response,
        Err(refusal) => refusal.response(request.method == Method::HEAD),
    }
}

impl Registry {
    async fn answer(&self, params: &Params, request: &Parts) -> Result<Response, Refusal> {
        let asked = Asked::read(request.uri.path())?;
        if !matches!(request.method, Method::GET | Method::HEAD) {
            return Err(Refusal::ReadOnly);
        }
        let (repository, what) = match asked {
            Asked::Base => return Ok(answer::base()),
            Asked::In(repository, what) => (repository, what),
        };
        let catalog = self.current.get(&self.layout).await;
        let stock = current::stock(&catalog, &repository, params.ns.as_deref())?;
        match what {
            path::What::Manifest(version) => self.manifest(stock, &version, request).await,
            path::What::Blob(digest) => self.blob(stock, digest, request).await,
            path::What::Tags => tags::list(stock, &repository, params),
            path::What::Referrers(digest) => Ok(manifests::referrers(stock, digest, params)),
        }
    }
}

#[cfg(test)]
mod tests;
