//! What went wrong with a layout.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::digest::Digest;

/// Why a layout cannot be read or written.
#[derive(Debug, Error)]
pub enum LayoutError {
    /// The operating system refused.
    #[error("cannot {action} `{path}`", path = path.display())]
    Io {
        /// A verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// There is no room.
    #[error("cannot write `{path}`: the disk is full", path = path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The source of a blob broke.
    #[error("cannot read what was to become a blob")]
    Source(#[source] io::Error),
    /// The folder is no layout, or one that this program cannot read.
    #[error("`{path}` is no OCI image layout: {why}", path = path.display())]
    NotALayout {
        /// The folder.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The bytes are not those of the digest.
    #[error("blob `{wanted}` is damaged: its content is `{found}`")]
    Damaged {
        /// The blob.
        wanted: Digest,
        /// Digest of what is there.
        found: Digest,
    },
    /// More or fewer bytes than there should be.
    #[error("blob `{digest}` has {found} bytes instead of {wanted}")]
    Size {
        /// The blob.
        digest: Digest,
        /// Bytes it should have.
        wanted: u64,
        /// Bytes it has, or those that were read when it was too many.
        found: u64,
    },
    /// A blob that shall be held in memory is too large for it.
    #[error("blob `{digest}` has {bytes} bytes, more than the {limit} that are read")]
    TooLarge {
        /// The blob.
        digest: Digest,
        /// Its bytes.
        bytes: u64,
        /// Most bytes that are read.
        limit: u64,
    },
    /// A blob is not there.
    #[error("there is no blob `{digest}` in `{path}`", path = path.display())]
    NoBlob {
        /// The blob.
        digest: Digest,
        /// The layout.
        path: PathBuf,
    },
    /// A manifest that is none.
    #[error("manifest `{digest}` cannot be read: {why}")]
    BadManifest {
        /// The manifest.
        digest: Digest,
        /// Why.
        why: String,
    },
    /// Nothing of that name.
    #[error("there is no `{target}` in `{path}`", path = path.display())]
    Unknown {
        /// What was asked for.
        target: String,
        /// The layout.
        path: PathBuf,
    },
    /// Blobs are only removed from a layout in order.
    #[error("nothing was removed from `{path}`, because {count} problems were found in it, the first: {first}", path = path.display())]
    Disorder {
        /// The layout.
        path: PathBuf,
        /// How many.
        count: usize,
        /// The first of them.
        first: String,
    },
}

impl LayoutError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { action, path, source },
        }
    }

    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Io { .. } => "look at the folder, its owner and its disk, then try again",
            Self::DiskFull { .. } => {
                "make room or choose another folder, then try again; nothing half-written was kept"
            }
            Self::Source(_) => "try again",
            Self::NotALayout { .. } => "name the folder that holds `oci-layout` and `index.json`",
            Self::Damaged { .. } | Self::Size { .. } | Self::NoBlob { .. } => {
                "put the blob again from where it came; if it happens twice, look at the disk"
            }
            Self::TooLarge { .. } | Self::BadManifest { .. } => "ask whoever made it",
            Self::Unknown { .. } => "look at the tags that are there; perhaps it has still to be put",
            Self::Disorder { .. } => "verify the layout and put right what is found",
        }
    }
}
