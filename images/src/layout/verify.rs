//! The whole layout looked at: every problem at once.

use std::error::Error as _;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use crate::digest::{Digest, Hasher};

use super::{Catalog, Layout, LayoutError};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Blobs that were read.
    pub blobs: usize,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is not as it should be; nothing is if this is empty.
    pub problems: Vec<Problem>,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The content of a blob is not that of its name.
    Damaged {
        /// The blob.
        digest: Digest,
        /// Digest of its content.
        found: Digest,
        /// Who needs it: a repository, if any does.
        needed_by: Option<String>,
    },
    /// What a name needs is missing, of the wrong size or no manifest.
    Broken {
        /// The name, such as `kit:1.2.3`.
        name: String,
        /// Why.
        why: String,
    },
    /// An entry of the index that belongs to no repository.
    Nameless(String),
    /// A file among the blobs that is none.
    Stray(PathBuf),
    /// A blob that cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

impl Problem {
    pub(super) fn of(error: &LayoutError, name: &str) -> Self {
        Self::Broken {
            name: name.to_owned(),
            why: match error.source() {
                Some(cause) => format!("{error}: {cause}"),
                None => error.to_string(),
            },
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged {
                digest,
                found,
                needed_by,
            } => {
                write!(f, "blob `{digest}` is damaged: its content is `{found}`")?;
                match needed_by {
                    Some(repository) => write!(f, "; `{repository}` needs it"),
                    None => f.write_str("; nothing needs it"),
                }
            }
            Self::Broken { name, why } => write!(f, "`{name}` is broken: {why}"),
            Self::Nameless(digest) => write!(f, "manifest `{digest}` has no name that says its repository"),
            Self::Stray(path) => write!(f, "`{}` is no blob", path.display()),
            Self::Unreadable { path, why } => write!(f, "`{}` cannot be read: {why}", path.display()),
        }
    }
}

impl Layout {
    /// Reads every blob and compares it with its digest, and everything named with what it needs.
    pub fn verify(&self) -> Result<Report, LayoutError> {
        let catalog = self.catalog()?;
        let mut report = Report {
            blobs: 0,
            bytes: 0,
            problems: catalog.problems.clone(),
        };
        for path in self.blob_files()? {
            Self::look(&path, &catalog, &mut report);
        }
        Ok(report)
    }

    pub(super) fn blob_files(&self) -> Result<Vec<PathBuf>, LayoutError> {
        let folder = self.blobs_folder();
        let failed = || LayoutError::io("read", &folder);
        let entries = fs::read_dir(&folder).map_err(failed())?;
        let mut files = Vec::new();
        for entry in entries {
            files.push(entry.map_err(failed())?.path());
        }
        files.sort();
        Ok(files)
    }

    fn look(path: &Path, catalog: &Catalog, report: &mut Report) {
        let Some(digest) = digest_of(path) else {
            return report.problems.push(Problem::Stray(path.to_path_buf()));
        };
        let mut hasher = Hasher::default();
        let read = fs::File::open(path).and_then(|mut file| hasher.drain(&mut file, |_, _| Ok(())));
        if let Err(error) = read {
            return report.problems.push(Problem::Unreadable {
                path: path.to_path_buf(),
                why: error.to_string(),
            });
        }
        let (found, bytes) = hasher.finish();
        report.blobs += 1;
        report.bytes += bytes;
        if found != digest {
            report.problems.push(Problem::Damaged {
                digest,
                found,
                needed_by: catalog.needed_by(digest).map(ToString::to_string),
            });
        }
    }
}

pub(super) fn digest_of(path: &Path) -> Option<Digest> {
    let name = path.file_name()?.to_str()?;
    format!("sha256:{name}").parse().ok()
}
