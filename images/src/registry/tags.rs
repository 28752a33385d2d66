//! The tags of a repository, a page at a time.

use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use crate::layout::Stock;
use crate::name::{Repository, Tag};

use super::refusal::Refusal;
use super::{Params, answer};

pub(super) fn list(stock: &Stock, repository: &Repository, params: &Params) -> Result<Response, Refusal> {
    let size = params.n.as_deref().map(str::parse::<usize>).transpose();
    let size = size.map_err(|error| Refusal::bad("PAGINATION_NUMBER_INVALID", &format!("`n`: {error}")))?;
    let after = |tag: &&Tag| params.last.as_deref().is_none_or(|last| tag.as_str() > last);
    let mut rest = stock.tags().filter(after);
    let page: Vec<&Tag> = rest.by_ref().take(size.unwrap_or(usize::MAX)).collect();
    let more = rest.next().is_some();
    let mut response = Json(json!({"name": repository, "tags": page})).into_response();
    let headers = response.headers_mut();
    answer::mark(headers);
    if let (true, Some(last), Some(size)) = (more, page.last(), size) {
        // Neither a repository nor a tag has a character that a URL would write otherwise.
        let mut next = format!("/v2/{repository}/tags/list?n={size}&last={last}");
        if let Some(ns) = params.ns.as_deref().filter(|ns| ns.bytes().all(is_host_byte)) {
            next.push_str(&format!("&ns={ns}"));
        }
        headers.insert(header::LINK, answer::value(&format!("<{next}>; rel=\"next\"")));
    }
    Ok(response)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':')
}
