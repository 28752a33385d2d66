//! A file on this machine that hosts get.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sovereign_core::k3s::Artifact;
use sovereign_images::Digest;
use sovereign_images::download::Fetched;

use crate::agent_binary::ELF;
use crate::errors::CliError;

/// What a tar file says it is, and where.
const TAR: (usize, &[u8]) = (257, b"ustar");
/// Bytes that tell what a file is.
const HEAD: u64 = 512;

/// A file on this machine.
#[derive(Debug, Clone)]
pub(crate) struct BroughtFile {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is known by.
    pub(crate) artifact: Artifact,
    head: Vec<u8>,
}

impl BroughtFile {
    /// Reads a file, all of it, for its digest.
    pub(super) fn load(path: &Path) -> Result<Self, CliError> {
        let read = || -> io::Result<Self> {
            let (digest, size) = Digest::of_reader(&mut File::open(path)?)?;
            Self::known(path.to_owned(), digest, size)
        };
        read().map_err(|source| CliError::Read {
            path: path.to_owned(),
            source,
        })
    }

    /// A file that was fetched, and whose digest was looked at then.
    pub(super) fn fetched(fetched: Fetched) -> Result<Self, CliError> {
        let Fetched { path, digest, size } = fetched;
        Self::known(path.clone(), digest, size).map_err(|source| CliError::Read { path, source })
    }

    /// A program that Linux runs.
    pub(super) fn is_program(&self) -> bool {
        self.head.starts_with(ELF)
    }

    /// A tar file, not compressed.
    pub(super) fn is_tar(&self) -> bool {
        let (at, magic) = TAR;
        self.head.get(at..).is_some_and(|rest| rest.starts_with(magic))
    }

    fn known(path: PathBuf, digest: Digest, size: u64) -> io::Result<Self> {
        let mut head = Vec::new();
        File::open(&path)?.take(HEAD).read_to_end(&mut head)?;
        let artifact = Artifact {
            sha256: digest.hex(),
            size,
        };
        Ok(Self { path, artifact, head })
    }
}
