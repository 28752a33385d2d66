//! What answers have in common.

use axum::Json;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::digest::Digest;

/// The header that names what is served.
pub(super) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// A header's value; an empty one for a text that cannot be one, which none of ours is.
pub(super) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Says which API this is. Some clients look for it.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
}

/// The answer to `/v2/`.
pub(super) fn base() -> Response {
    let mut response = Json(json!({})).into_response();
    mark(response.headers_mut());
    response
}

/// Headers of content that a digest names.
pub(super) fn named(headers: &mut HeaderMap, digest: Digest) {
    mark(headers);
    headers.insert(CONTENT_DIGEST, value(&digest.to_string()));
    headers.insert(header::ETAG, value(&format!("\"{digest}\"")));
}

/// Whether a header lists the entity tag of a digest.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, digest: Digest) -> bool {
    let tag = format!("\"{digest}\"");
    let listed = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    listed
        .flat_map(|value| value.split(','))
        .map(|value| value.trim().trim_start_matches("W/"))
        .any(|value| value == "*" || value == tag)
}

/// The client has it already.
pub(super) fn not_modified(digest: Digest) -> Response {
    let mut response = StatusCode::NOT_MODIFIED.into_response();
    named(response.headers_mut(), digest);
    response
}
