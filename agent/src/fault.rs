//! What went wrong, for a person: what happened on what and why, what to do next, and the log lines that show it.

use std::io;

use thiserror::Error;

/// Why a part of the agent's work failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{cause}")]
pub struct Fault {
    /// What happened, on what, why.
    pub cause: String,
    /// What to do next.
    pub remedy: String,
    /// Last lines of the failing unit's or command's log, oldest first.
    pub log: Vec<String>,
}

impl Fault {
    /// A fault without a log.
    pub fn new(cause: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            cause: cause.into(),
            remedy: remedy.into(),
            log: Vec::new(),
        }
    }

    /// The same with the last lines of a log.
    #[must_use]
    pub fn with_log(mut self, log: Vec<String>) -> Self {
        self.log = log;
        self
    }

    /// The operating system refused `doing` on `what`.
    pub fn io(doing: &str, what: &str, error: &io::Error) -> Self {
        let remedy = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "make room on the host's root file system; the agent then goes on by itself"
            }
            io::ErrorKind::ReadOnlyFilesystem => {
                "look at `dmesg` for errors of the disk: its file system went read-only"
            }
            io::ErrorKind::PermissionDenied => "run this as root",
            _ => "look at the host's disk and file system, then try again",
        };
        Self::new(format!("{doing} `{what}` failed: {error}"), remedy)
    }
}

/// Turns a failure of the operating system into a [`Fault`].
pub trait OrFault<T> {
    /// `doing` is a verb such as `writing`, `what` the file.
    fn or_fault(self, doing: &str, what: &str) -> Result<T, Fault>;
}

impl<T> OrFault<T> for io::Result<T> {
    fn or_fault(self, doing: &str, what: &str) -> Result<T, Fault> {
        self.map_err(|error| Fault::io(doing, what, &error))
    }
}
