//! The k3s that hosts get: a file that is brought along, known by its digest.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use sovereign_core::k3s::Artifact;

use crate::agent_binary::ELF;
use crate::errors::CliError;

/// A k3s binary on this machine.
#[derive(Debug, Clone)]
pub(crate) struct K3sBinary {
    /// Where it is.
    pub(crate) path: PathBuf,
    /// What it is known by.
    pub(crate) artifact: Artifact,
}

impl K3sBinary {
    /// Reads the file once, for its digest.
    pub(crate) fn load(path: &Path) -> Result<Self, CliError> {
        let unreadable = |source| CliError::Read {
            path: path.to_owned(),
            source,
        };
        let (artifact, is_program) = digest(path).map_err(unreadable)?;
        if !is_program {
            return Err(CliError::NotK3s {
                path: path.to_owned(),
            });
        }
        Ok(Self {
            path: path.to_owned(),
            artifact,
        })
    }
}

fn digest(path: &Path) -> io::Result<(Artifact, bool)> {
    let mut file = File::open(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let (mut size, mut is_program) = (0, false);
    loop {
        let read = file.read(&mut buffer)?;
        if size == 0 {
            is_program = buffer[..read].starts_with(ELF);
        }
        if read == 0 {
            let sha256 = hex::encode(hasher.finalize());
            return Ok((Artifact { sha256, size }, is_program));
        }
        hasher.update(&buffer[..read]);
        size += read as u64;
    }
}
