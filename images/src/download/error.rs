//! Why a file cannot be fetched.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::Address;
use crate::digest::Digest;

/// Why a file cannot be fetched. Addresses in it have no query.
#[derive(Debug, Error)]
pub enum DownloadError {
    /// The client cannot be made.
    #[error("the client of web servers cannot be made")]
    Client(#[source] reqwest::Error),
    /// The server cannot be reached, or the connection broke, again and again.
    #[error("`{url}` cannot be fetched: {why}")]
    Unreachable {
        /// The address.
        url: String,
        /// Why.
        why: String,
    },
    /// There is no such file.
    #[error("there is nothing at `{url}`: the server answers {status}")]
    NotFound {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// The server says no.
    #[error("`{url}` cannot be fetched: the server answers {status}")]
    Refused {
        /// The address.
        url: String,
        /// The status of HTTP.
        status: u16,
    },
    /// A page for people.
    #[error("`{url}` is a web page and not a file")]
    Page {
        /// The address.
        url: String,
    },
    /// A redirect away from TLS, to an account, or in circles.
    #[error("`{url}` leads to `{to}`, where nothing is fetched from")]
    Redirected {
        /// The address.
        url: String,
        /// Where it leads.
        to: String,
    },
    /// Another file than the one that was asked for.
    #[error("`{url}` has the SHA-256 {}, and not {}", found.hex(), wanted.hex())]
    OtherDigest {
        /// The address.
        url: String,
        /// What it should be.
        wanted: Digest,
        /// What it is.
        found: Digest,
    },
    /// The answer makes no sense.
    #[error("what `{url}` answers makes no sense: {why}")]
    BadAnswer {
        /// The address.
        url: String,
        /// Why.
        why: String,
    },
    /// This machine's disk.
    #[error("cannot {action} `{}`", path.display())]
    Disk {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl DownloadError {
    pub(super) fn client(error: reqwest::Error) -> Self {
        Self::Client(error.without_url())
    }

    pub(super) fn bad_answer(address: &Address, why: impl Into<String>) -> Self {
        Self::BadAnswer {
            url: address.to_string(),
            why: why.into(),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Client(_) => "look at the CA that is to be trusted",
            Self::Unreachable { .. } => {
                "look at the network, the proxy and the server, then try again: what has come stays; \
                 or fetch the file by other means and name it as a file"
            }
            Self::NotFound { .. } => "look at the address: the name of the file and the version in it",
            Self::Refused { .. } => {
                "look whether the address is for everybody and whether it has expired; \
                 or fetch the file by other means and name it as a file"
            }
            Self::Page { .. } => {
                "give the address of the file itself: this one is a login, a landing page or a proxy's refusal"
            }
            Self::Redirected { .. } => {
                "give the address that it leads to in the end, with `https://` and without an account"
            }
            Self::OtherDigest { .. } => {
                "compare the digest with the one that its makers publish; if that is right, the file is damaged, of another version, \
                 or not theirs"
            }
            Self::BadAnswer { .. } => {
                "look whether a proxy stands in between; or fetch the file by other means and name it as a file"
            }
            Self::Disk { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room on that disk, or choose another place with `--state-dir`, then try again: what has come stays"
                }
                _ => "look at that folder: its owner, its rights and its disk",
            },
        }
    }
}
