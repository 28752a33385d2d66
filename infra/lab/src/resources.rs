//! The resources, one file a family. Each has a `create`, a `delete` and the verbs under `/actions`.

pub(crate) mod address;
pub(crate) mod firewall;
pub(crate) mod load_balancer;
pub(crate) mod network;
pub(crate) mod server;
pub(crate) mod simple;
pub(crate) mod volume;

use axum::http::StatusCode;
use serde_json::Value;

use crate::problem::Problem;

/// An answer before it becomes HTTP.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

pub(crate) type Outcome = Result<Reply, Problem>;

#[expect(clippy::unnecessary_wraps, reason = "the end of a handler")]
pub(crate) fn ok(body: Value) -> Outcome {
    Ok(Reply {
        status: StatusCode::OK,
        body,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a handler")]
pub(crate) fn created(body: Value) -> Outcome {
    Ok(Reply {
        status: StatusCode::CREATED,
        body,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "the end of a handler")]
pub(crate) fn no_content() -> Outcome {
    Ok(Reply {
        status: StatusCode::NO_CONTENT,
        body: Value::Null,
    })
}

/// Numbers in a JSON list.
pub(crate) fn ids(list: &Value) -> Vec<u64> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_u64)
        .collect()
}

/// Takes a number out of a JSON list.
pub(crate) fn without(list: &mut Value, id: u64) {
    if let Some(list) = list.as_array_mut() {
        list.retain(|other| other.as_u64() != Some(id));
    }
}

/// Puts a number into a JSON list.
pub(crate) fn with(list: &mut Value, id: u64) {
    if let Some(list) = list.as_array_mut() {
        list.push(id.into());
    }
}
