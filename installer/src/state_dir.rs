//! Where the installer keeps what it must not lose.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use crate::errors::CliError;

/// The state directory: only its owner may enter.
#[derive(Debug, Clone)]
pub(crate) struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// The directory of the flag or variable, `$XDG_STATE_HOME/sovereign`, or `~/.local/state/sovereign`. Made if it is missing.
    pub(crate) fn open(chosen: Option<&Path>) -> Result<Self, CliError> {
        let path = Self::locate(chosen)?;
        make_private(&path)?;
        Ok(Self { path })
    }

    /// The directory without making it.
    pub(crate) fn locate(chosen: Option<&Path>) -> Result<PathBuf, CliError> {
        if let Some(path) = chosen {
            return Ok(path.to_owned());
        }
        let absolute = |name: &str| {
            std::env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        if let Some(state) = absolute("XDG_STATE_HOME") {
            return Ok(state.join("sovereign"));
        }
        let home = absolute("HOME").ok_or(CliError::NoStateDir)?;
        Ok(home.join(".local/state/sovereign"))
    }

    /// Its path.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What was fetched from the web, each file under its digest. Made by whoever fetches.
    pub(crate) fn artifacts(&self) -> PathBuf {
        self.path.join("artifacts")
    }

    /// Zones as they were before a sweep removed them.
    pub(crate) fn pool_exports(&self) -> Result<PathBuf, CliError> {
        let path = self.path.join("pool-exports");
        make_private(&path)?;
        Ok(path)
    }

    /// The part that belongs to the lab.
    pub(crate) fn lab(&self) -> Result<PathBuf, CliError> {
        let path = self.path.join("lab");
        make_private(&path)?;
        Ok(path)
    }
}

fn make_private(path: &Path) -> Result<(), CliError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| CliError::Write {
            path: path.to_owned(),
            source,
        })
}
