//! The agent that hosts get: a file that is brought along, known by its digest.

use std::path::{Path, PathBuf};

use sovereign_remote::dialer::AgentBinary;

use crate::errors::CliError;

/// What the file beside the installer is called.
const NAME: &str = "sovereign-agent-x86_64";
/// Where packages put it.
const PACKAGED: &str = "/usr/lib/sovereign";
/// First bytes of a Linux program.
pub(crate) const ELF: &[u8] = b"\x7fELF";

/// Reads the agent: the file that was chosen, or the one beside this program or in the place of packages.
pub(crate) fn load(chosen: Option<&Path>) -> Result<AgentBinary, CliError> {
    let path = chosen.map_or_else(locate, |path| Ok(path.to_owned()))?;
    let bytes = std::fs::read(&path).map_err(|source| CliError::Read {
        path: path.clone(),
        source,
    })?;
    if !bytes.starts_with(ELF) {
        return Err(CliError::NotAnAgent { path });
    }
    Ok(AgentBinary::new(bytes))
}

fn locate() -> Result<PathBuf, CliError> {
    let program = std::env::current_exe().ok();
    let beside = program
        .as_deref()
        .and_then(Path::parent)
        .map(|dir| dir.join(NAME));
    let places: Vec<PathBuf> = beside
        .into_iter()
        .chain([Path::new(PACKAGED).join(NAME)])
        .collect();
    let found = places.iter().find(|path| path.is_file()).cloned();
    found.ok_or(CliError::NoAgent { places })
}
