//! Which lab runs: a file in the state directory, written by the lab that answers.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sovereign_lab::{Ground, RegistrarSim, RegistrarVendor, RunningLab};

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
    /// Another one of the same project, for what is to have a token of its own.
    #[serde(default)]
    pub(super) second_token: String,
    /// Where it keeps what it holds, if it does.
    pub(super) state: Option<PathBuf>,
    /// Where its hosts are, if servers are real.
    pub(super) ground: Option<Ground>,
    /// The DNS beside it.
    pub(super) dns: Option<NameServers>,
}

/// The DNS of a lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NameServers {
    /// Those that Sovereigns' zones go to.
    pub(super) servers: [NameServer; 2],
    /// Address of the root's.
    pub(super) root: IpAddr,
    /// The root's trust anchor.
    pub(super) anchor: PathBuf,
    /// The registrars, in the order of their vendors.
    pub(super) registrars: Vec<Registrar>,
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

/// A registrar of the lab.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Registrar {
    /// Whose contract.
    pub(super) vendor: RegistrarVendor,
    /// Address of its API.
    pub(super) url: String,
    /// Its account's secrets by the names of their environment variables; worth nothing elsewhere.
    pub(super) variables: BTreeMap<String, String>,
}

impl NameServers {
    /// The DNS of a lab that has one.
    pub(super) fn of(lab: &RunningLab) -> Option<Self> {
        let dns = lab.dns()?;
        let server = |server: &sovereign_lab::NameServer| NameServer {
            url: server.dns.url.clone(),
            key: server.dns.key.clone(),
            answers_at: server.dns.dns_addr,
        };
        let registrar = |registrar: &RegistrarSim| Registrar {
            vendor: registrar.vendor(),
            url: registrar.url(),
            variables: registrar.variables().into_iter().collect(),
        };
        Some(Self {
            servers: [server(&dns.operator[0]), server(&dns.operator[1])],
            root: dns.root(),
            anchor: dns.anchor_file(),
            registrars: lab.registrars().map(registrar).collect(),
        })
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
