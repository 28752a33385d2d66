//! What is known about a file of an address: kept beside it, for later processes.

use reqwest::Response;
use reqwest::header::{self, HeaderName};
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// What a server tells a version of a file by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Validator {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) modified: Option<String>,
}

/// A part of a file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Part {
    /// Of which version it is.
    pub(super) validator: Validator,
    /// Bytes in all, if the server says so.
    pub(super) total: Option<u64>,
    /// Bytes that outlive a loss of power.
    pub(super) sure: u64,
}

/// A whole file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Whole {
    /// Which version it is.
    pub(super) validator: Validator,
    /// Its digest.
    pub(super) digest: Digest,
}

/// What is known about a file of an address.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Note {
    #[serde(default)]
    pub(super) part: Part,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) whole: Option<Whole>,
}

impl Validator {
    /// What an answer is told by.
    pub(super) fn of(response: &Response) -> Self {
        let text = |name: HeaderName| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        Self {
            etag: text(header::ETAG),
            modified: text(header::LAST_MODIFIED),
        }
    }

    /// What `If-Range` may say: a weak tag may stand for other bytes, RFC 9110, section 13.1.5.
    pub(super) fn strong(&self) -> Option<&str> {
        let strong = self.etag.as_deref().filter(|tag| !tag.starts_with("W/"));
        strong.or(self.modified.as_deref())
    }

    /// The header that asks whether there is another version.
    pub(super) fn condition(&self) -> Option<(HeaderName, &str)> {
        let tag = self.etag.as_deref().map(|tag| (header::IF_NONE_MATCH, tag));
        tag.or(self.modified.as_deref().map(|at| (header::IF_MODIFIED_SINCE, at)))
    }

    /// An answer is of the same version, as far as it says.
    pub(super) fn fits(&self, other: &Self) -> bool {
        let same = |ours: &Option<String>, theirs: &Option<String>| theirs.is_none() || ours == theirs;
        same(&self.etag, &other.etag) && (other.etag.is_some() || same(&self.modified, &other.modified))
    }
}
