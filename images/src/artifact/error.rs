//! What is wrong with an artifact.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::digest::Digest;
use crate::layout::LayoutError;

/// Why an artifact cannot be made or read.
#[derive(Debug, Error)]
pub enum ArtifactError {
    /// The layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// A file cannot be read.
    #[error("cannot read `{path}`", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// The archive is broken.
    #[error("the archive cannot be read: {0}")]
    Archive(String),
    /// An entry that would leave the folder it is unpacked to.
    #[error("the archive's entry `{0}` has an unsafe path")]
    UnsafePath(String),
    /// An entry that is neither a file nor a folder, such as a link.
    #[error("the archive's entry `{0}` is neither a file nor a folder")]
    NotAFile(String),
    /// Two entries of one path.
    #[error("the archive has two entries `{0}`")]
    Twice(String),
    /// More than the limits allow.
    #[error("the archive has more than {limit} {what}")]
    TooMuch {
        /// Most there may be.
        limit: u64,
        /// Of what.
        what: &'static str,
    },
    /// The archive is no Helm chart.
    #[error("the archive is no Helm chart: {0}")]
    NoChart(String),
    /// The manifest is not of a Flux artifact or a Helm chart.
    #[error("manifest `{manifest}` is neither of a Flux artifact nor of a Helm chart")]
    NoContent {
        /// The manifest.
        manifest: Digest,
    },
}

impl ArtifactError {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Layout(error) => error.remedy(),
            Self::Read { .. } => "look at the file and its owner",
            Self::Archive(_) => "fetch it again, or pack it again",
            Self::UnsafePath(_) | Self::Twice(_) => "do not trust it; ask whoever made it",
            Self::NotAFile(_) => "pack files in place of links",
            Self::TooMuch { .. } => "leave out what does not belong into it",
            Self::NoChart(_) => "make it with `helm package`",
            Self::NoContent { .. } => "name another artifact",
        }
    }
}
