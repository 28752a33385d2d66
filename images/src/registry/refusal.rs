//! Why a request is refused, in the form of the specification: a status, a code, a message.

use std::fmt;

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::answer;

#[derive(Debug)]
pub(super) enum Refusal {
    /// Not what a client of this specification asks for.
    Bad { code: &'static str, why: String },
    /// No such thing.
    Unknown { code: &'static str, what: String },
    /// Nothing is written here.
    ReadOnly,
    /// No path of the specification.
    NoSuchPath,
    /// The range lies behind the end of the blob, which has so many bytes.
    Range { size: u64 },
    /// The layout on this node is damaged.
    Damaged { why: String },
}

impl Refusal {
    pub(super) fn bad_digest(why: &impl fmt::Display) -> Self {
        Self::bad("DIGEST_INVALID", why)
    }

    pub(super) fn bad_name(why: &impl fmt::Display) -> Self {
        Self::bad("NAME_INVALID", why)
    }

    pub(super) fn bad_tag(why: &impl fmt::Display) -> Self {
        Self::bad("TAG_INVALID", why)
    }

    pub(super) fn bad(code: &'static str, why: &impl fmt::Display) -> Self {
        Self::Bad {
            code,
            why: why.to_string(),
        }
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Bad { .. } => StatusCode::BAD_REQUEST,
            Self::Unknown { .. } | Self::NoSuchPath => StatusCode::NOT_FOUND,
            Self::ReadOnly => StatusCode::METHOD_NOT_ALLOWED,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Damaged { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn code_and_message(&self) -> (&str, String) {
        match self {
            Self::Bad { code, why } => (code, why.clone()),
            Self::Unknown { code, what } => (code, format!("there is no {what}")),
            Self::ReadOnly => ("UNSUPPORTED", "this registry is read-only".to_owned()),
            Self::NoSuchPath => ("NOT_FOUND", "no such path".to_owned()),
            Self::Range { size } => ("SIZE_INVALID", format!("the blob has {size} bytes")),
            Self::Damaged { why } => ("UNKNOWN", format!("the store of this node is damaged: {why}")),
        }
    }

    pub(super) fn response(&self, head: bool) -> Response {
        let (code, message) = self.code_and_message();
        if let Self::Damaged { why } = self {
            tracing::error!(why, "the store of this node is damaged");
        }
        let body = json!({"errors": [{"code": code, "message": message}]});
        let mut response = (self.status(), Json(body)).into_response();
        let headers = response.headers_mut();
        answer::mark(headers);
        if let Self::ReadOnly = self {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        if let Self::Range { size } = self {
            headers.insert(header::CONTENT_RANGE, answer::value(&format!("bytes */{size}")));
        }
        if head {
            *response.body_mut() = Body::empty();
        }
        response
    }
}
