//! Why the host side did not do as told.

use std::io;

use thiserror::Error;

/// Why the host side did not do as told.
#[derive(Debug, Error)]
pub enum HostError {
    /// Real hosts need namespaces and mounts.
    #[error("real hosts need root: run the lab as root, or with `--api-only`")]
    NotRoot,
    /// Programs are not installed.
    #[error("real hosts need {programs}: install with `apt-get install -y {packages}`")]
    ToolsMissing {
        /// What was looked for.
        programs: String,
        /// Debian's packages that carry them.
        packages: String,
    },
    /// Every slice of the test range is in use.
    #[error("all {0} slots for labs with hosts are taken: end one with `sovereign lab down`")]
    NoSlot(u8),
    /// A slice that the lab's state needs is in use by another lab.
    #[error(
        "the addresses of this lab's state belong to slot {0}, which another lab uses: end that lab first"
    )]
    SlotTaken(u8),
    /// A program ended with an error.
    #[error("`{command}` failed: {said}")]
    Command {
        /// The program and its arguments.
        command: String,
        /// The end of what it said.
        said: String,
    },
    /// The operating system refused.
    #[error("{what}: {why}")]
    System {
        /// What was being done, on what.
        what: String,
        /// Why.
        why: io::Error,
    },
    /// The driver cannot do this, on principle.
    #[error("{0}")]
    Unsupported(String),
}

impl HostError {
    /// The operating system refused `what`.
    pub(crate) fn system(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |why| Self::System { what, why }
    }
}
