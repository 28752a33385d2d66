//! What is wrong with an archive.

use std::io;

use thiserror::Error;

use crate::layout::LayoutError;

/// Why an archive cannot be written or unpacked.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// It ends too early, or is no tar file.
    #[error("the archive cannot be read or written to its end")]
    Broken(#[source] io::Error),
    /// An entry that a layout does not have, or that leads elsewhere.
    #[error("the archive holds `{0}`, which is no part of an OCI image layout")]
    Foreign(String),
    /// A link, a device or the like.
    #[error("`{0}` in the archive is not a plain file")]
    NotAFile(String),
    /// An entry that is there before.
    #[error("the archive holds `{0}` twice")]
    Twice(String),
    /// Something that is read into memory is too large for it.
    #[error("`{path}` in the archive has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The entry.
        path: String,
        /// Its bytes.
        bytes: u64,
        /// Most bytes that are read.
        limit: u64,
    },
    /// An entry is not there.
    #[error("the archive has no `{0}`")]
    Missing(&'static str),
    /// Something that is named is not there, or not what it should be.
    #[error("the archive is not whole: {0}")]
    Incomplete(String),
    /// Nothing is named.
    #[error("the archive names nothing that could be served")]
    Empty,
    /// The layout cannot be read or written.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

impl ArchiveError {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Layout(error) => error.remedy(),
            _ => "use an archive that was packed from a whole OCI image layout, and bring all of it",
        }
    }
}
