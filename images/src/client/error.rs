//! Why something cannot be pulled.

use thiserror::Error;

use crate::digest::Digest;
use crate::layout::LayoutError;
use crate::reference::Reference;

/// Why something cannot be pulled. Never holds a credential, nor an address that contains one.
#[derive(Debug, Error)]
pub enum PullError {
    /// The layout.
    #[error(transparent)]
    Layout(LayoutError),
    /// The client cannot be made.
    #[error("the client of registries cannot be made")]
    Client(#[source] reqwest::Error),
    /// The registry cannot be reached, or the connection broke, again and again.
    #[error("registry `{host}` cannot be reached: {why}")]
    Unreachable {
        /// The registry.
        host: String,
        /// Why.
        why: String,
    },
    /// The registry wants to know who asks, or does not like the answer.
    #[error("registry `{host}` does not let us in: {why}")]
    Unauthorized {
        /// The registry.
        host: String,
        /// Why.
        why: String,
    },
    /// There is no such thing.
    #[error("there is no `{what}` at registry `{host}`")]
    NotFound {
        /// The registry.
        host: String,
        /// What was asked for.
        what: String,
    },
    /// The registry says no.
    #[error("registry `{host}` answers {status}: {why}")]
    Refused {
        /// The registry.
        host: String,
        /// The status of HTTP.
        status: u16,
        /// The registry's words.
        why: String,
    },
    /// The answer makes no sense.
    #[error("what `{what}` is answered with makes no sense: {why}")]
    BadAnswer {
        /// The artifact.
        what: String,
        /// Why.
        why: String,
    },
    /// Another manifest than the one that was asked for.
    #[error("`{reference}` is `{found}` and not `{wanted}`")]
    OtherDigest {
        /// The artifact.
        reference: String,
        /// What it should be.
        wanted: Digest,
        /// What it is.
        found: Digest,
    },
    /// Nothing for our platforms.
    #[error("`{reference}` has nothing for the platforms that are wanted")]
    NoPlatform {
        /// The artifact.
        reference: String,
    },
    /// A blob that is too large.
    #[error("blob `{digest}` has {size} bytes, more than the {largest} that are taken")]
    TooLarge {
        /// The blob.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// Most that are taken.
        largest: u64,
    },
    /// The program ends.
    #[error("the pull was given up, because the program ends")]
    Cancelled,
}

impl PullError {
    pub(super) fn client(error: reqwest::Error) -> Self {
        Self::Client(error.without_url())
    }

    pub(super) fn bad_answer(reference: &Reference, why: &impl ToString) -> Self {
        Self::BadAnswer {
            what: reference.to_string(),
            why: why.to_string(),
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Layout(error) => error.remedy(),
            Self::Client(_) => "look at the CA that is to be trusted",
            Self::Unreachable { .. } => {
                "look at the network, the proxy and the registry's CA, then try again; what is there already is not fetched again"
            }
            Self::Unauthorized { .. } => "give an account that may pull",
            Self::NotFound { .. } => "look at the name and the version",
            Self::Refused { .. } => "try again later; if it stays, ask whoever runs the registry",
            Self::BadAnswer { .. } => "look whether this is a registry",
            Self::OtherDigest { .. } => {
                "the tag was moved or the registry is not to be trusted: look at both, then write down the new digest"
            }
            Self::NoPlatform { .. } => "choose a version that was built for the hosts' architecture",
            Self::TooLarge { .. } => "raise the limit if you expect it",
            Self::Cancelled => "start it again; what is there already is not fetched again",
        }
    }
}
