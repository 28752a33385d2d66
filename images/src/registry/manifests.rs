//! Manifests, and what refers to them.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::response::Response;
use oci_spec::image::{Descriptor, ImageIndex, MediaType};

use crate::canonical;
use crate::digest::Digest;
use crate::layout::{MAX_MANIFEST, Stock};
use crate::name::Version;

use super::refusal::Refusal;
use super::{Params, Registry, answer};

impl Registry {
    pub(super) async fn manifest(
        &self,
        stock: &Stock,
        version: &Version,
        request: &Parts,
    ) -> Result<Response, Refusal> {
        let unknown = |what| Refusal::Unknown {
            code: "MANIFEST_UNKNOWN",
            what,
        };
        let found = stock
            .resolve(version)
            .and_then(|found| Some((found, Digest::try_from(found.digest()).ok()?)));
        let (found, digest) = found.ok_or_else(|| unknown(format!("manifest `{version}`")))?;
        let media_type = found.media_type().as_ref();
        if !accepts(&request.headers, media_type) {
            return Err(unknown(format!(
                "manifest `{version}` of an accepted type; it is `{media_type}`"
            )));
        }
        if answer::lists(&request.headers, &header::IF_NONE_MATCH, digest) {
            return Ok(answer::not_modified(digest));
        }
        let layout = self.layout.clone();
        let read = tokio::task::spawn_blocking(move || layout.read_blob(digest, MAX_MANIFEST)).await;
        let damaged = |why: String| Refusal::Damaged { why };
        let bytes = read
            .map_err(|e| damaged(e.to_string()))?
            .map_err(|e| damaged(e.to_string()))?;
        let length = bytes.len();
        let head = request.method == Method::HEAD;
        let mut response = Response::new(if head { Body::empty() } else { Body::from(bytes) });
        let headers = response.headers_mut();
        answer::named(headers, digest);
        headers.insert(header::CONTENT_TYPE, answer::value(media_type));
        headers.insert(header::CONTENT_LENGTH, length.into());
        Ok(response)
    }
}

/// Whether a client takes a media type. One that does not say takes any.
fn accepts(headers: &HeaderMap, media_type: &str) -> bool {
    let mut said = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|value| value.split(';').next().unwrap_or_default().trim())
        .filter(|value| !value.is_empty())
        .peekable();
    said.peek().is_none() || said.any(|value| value == media_type || matches!(value, "*/*" | "application/*"))
}

/// The manifests whose subject is a digest, as an index. Also one that nobody refers to has such an index, an empty one.
pub(super) fn referrers(stock: &Stock, subject: Digest, params: &Params) -> Response {
    let wanted = params.artifact_type.as_deref();
    let fits = |one: &&Descriptor| {
        wanted.is_none_or(|wanted| one.artifact_type().as_ref().is_some_and(|t| t.as_ref() == wanted))
    };
    let manifests: Vec<_> = stock.referrers(subject).iter().filter(fits).cloned().collect();
    let mut index = ImageIndex::default();
    index.set_schema_version(2);
    index.set_media_type(Some(MediaType::ImageIndex));
    index.set_annotations(None::<HashMap<String, String>>);
    index.set_manifests(manifests);
    let mut response = Response::new(Body::from(canonical::json(&index)));
    let headers = response.headers_mut();
    answer::mark(headers);
    headers.insert(
        header::CONTENT_TYPE,
        answer::value(MediaType::ImageIndex.as_ref()),
    );
    if wanted.is_some() {
        headers.insert("oci-filters-applied", answer::value("artifactType"));
    }
    response
}
