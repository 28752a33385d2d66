//! Which lab runs: a file in the state directory, written by the lab that answers.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sovereign_lab::{Ground, PowerDns};

use crate::errors::CliError;
use crate::state_dir::StateDir;

/// The lab that runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Record {
    /// Its process.
    pub(super) pid: u32,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// Where clients of the cloud's API go.
    pub(super) url: String,
    /// A token that opens its project; worth nothing elsewhere.
    pub(super) token: String,
    /// Where it keeps what it holds, if it does.
    pub(super) state: Option<PathBuf>,
    /// Where its hosts are, if servers are real.
    pub(super) ground: Option<Ground>,
    /// The name server beside it.
    pub(super) dns: Option<NameServer>,
}

/// A name server of the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NameServer {
    /// Address of its API.
    pub(super) url: String,
    /// The API's key; worth nothing elsewhere.
    pub(super) key: String,
    /// Where it answers queries.
    pub(super) answers_at: SocketAddr,
}

impl From<&PowerDns> for NameServer {
    fn from(server: &PowerDns) -> Self {
        Self {
            url: server.url.clone(),
            key: server.key.clone(),
            answers_at: server.dns_addr,
        }
    }
}

fn path(state: &StateDir) -> Result<PathBuf, CliError> {
    Ok(state.lab()?.join("running.json"))
}

/// Where a lab in the background logs to.
pub(super) fn log_path(state: &StateDir) -> Result<PathBuf, CliError> {
    Ok(state.lab()?.join("lab.log"))
}

impl Record {
    /// The lab that was started last and not taken down.
    pub(super) fn load(state: &StateDir) -> Result<Self, CliError> {
        let path = path(state)?;
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| CliError::NoLab),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(CliError::NoLab),
            Err(source) => Err(CliError::Read { path, source }),
        }
    }

    /// Written aside and renamed, so that a reader sees it whole or not at all.
    pub(super) fn save(&self, state: &StateDir) -> Result<(), CliError> {
        let path = path(state)?;
        let aside = path.with_extension("new");
        let bytes = serde_json::to_vec(self).map_err(|source| CliError::Encode {
            what: "the lab's record",
            source,
        })?;
        std::fs::write(&aside, bytes)
            .and_then(|()| std::fs::rename(&aside, &path))
            .map_err(|source| CliError::Write { path, source })
    }

    /// Removes the record, the log and what the lab kept.
    pub(super) fn remove(&self, state: &StateDir) -> Result<(), CliError> {
        gone(&path(state)?)?;
        gone(&log_path(state)?)?;
        let Some(kept) = &self.state else {
            return Ok(());
        };
        gone(&kept.join("lab.json"))?;
        gone(&kept.join("slot"))?;
        for folder in ["hosts", "dns"] {
            let path = kept.join(folder);
            match std::fs::remove_dir_all(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(CliError::Write { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Its process runs no more and writes nothing any more. A process that waits to be reaped has ended, too.
    pub(super) fn has_ended(&self) -> bool {
        std::fs::read_link(format!("/proc/{}/exe", self.pid)).is_err()
    }

    /// Removes the record alone, if it is this process's.
    pub(super) fn withdraw(state: &StateDir) -> Result<(), CliError> {
        match Self::load(state) {
            Ok(record) if record.pid == std::process::id() => gone(&path(state)?),
            _ => Ok(()),
        }
    }
}

fn gone(path: &Path) -> Result<(), CliError> {
    match std::fs::remove_file(path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(CliError::Write {
            path: path.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}
