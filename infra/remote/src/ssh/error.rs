//! Why SSH does not get somewhere, told apart by what is to be done.

use std::time::Duration;

use thiserror::Error;

use super::Address;

/// Why SSH does not get somewhere. Never holds a key.
#[derive(Debug, Error)]
pub enum SshError {
    /// Nobody listens there, or no way leads there.
    #[error("{address} cannot be reached: {why}")]
    Unreachable {
        /// Where.
        address: Address,
        /// Why.
        why: String,
    },
    /// It takes too long.
    #[error("{address} did not {what} within {} s", within.as_secs())]
    TimedOut {
        /// Where.
        address: Address,
        /// What was waited for.
        what: &'static str,
        /// How long.
        within: Duration,
    },
    /// Another host than the trusted one answers, or somebody in between.
    #[error(
        "{address} is not the host that is trusted: it offers host key {offered}, and {} expected",
        expectation(expected)
    )]
    HostKeyChanged {
        /// Where.
        address: Address,
        /// Fingerprints of the pinned keys.
        expected: Vec<String>,
        /// Fingerprint of the key it offers, or what else it offers.
        offered: String,
    },
    /// The host does not let the installer in.
    #[error("{address} does not let `{user}` in with this key{}", accepts(remaining))]
    LoginRefused {
        /// Where.
        address: Address,
        /// Who knocked.
        user: String,
        /// Ways to log in that it would accept.
        remaining: Vec<String>,
    },
    /// The user may not become root.
    #[error("`{user}` may not become root on {address}: {why}")]
    NoSudo {
        /// Where.
        address: Address,
        /// Who.
        user: String,
        /// What `sudo` said.
        why: String,
    },
    /// A key cannot be used.
    #[error("{what} cannot be used: {why}")]
    Key {
        /// Which.
        what: &'static str,
        /// Why.
        why: String,
    },
    /// The connection broke.
    #[error("the connection to {address} broke: {why}")]
    Broken {
        /// Where.
        address: Address,
        /// Why.
        why: String,
    },
    /// A command says more than anybody wants to know.
    #[error("a command on {address} said more than {limit} bytes")]
    TooMuchOutput {
        /// Where.
        address: Address,
        /// How much is taken in, in bytes.
        limit: usize,
    },
    /// A file did not arrive as it was sent.
    #[error("`{path}` cannot be put on {address}: {why}")]
    Upload {
        /// Where.
        address: Address,
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
}

impl SshError {
    /// What a person has to do; `None` where waiting and trying again may help.
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::HostKeyChanged { .. } => Some(
                "find out who answers at that address: if the host was reinstalled by its owner, take its new key into the spec; if not, somebody is in between".to_owned(),
            ),
            Self::LoginRefused { user, .. } => Some(format!(
                "put the installer's public key into `authorized_keys` of `{user}`, or name the user and key that the host accepts"
            )),
            Self::NoSudo { user, .. } => Some(format!(
                "give the right with a file in `/etc/sudoers.d`: `{user} ALL=(ALL) NOPASSWD: ALL`, or log in as root"
            )),
            Self::Key { .. } => {
                Some("use an Ed25519 or ECDSA key without a passphrase, in OpenSSH form: `ssh-keygen -t ed25519`".to_owned())
            }
            Self::Upload { .. } => {
                Some("see that the host's disk has room and its root file system can be written".to_owned())
            }
            Self::Unreachable { .. } | Self::TimedOut { .. } | Self::Broken { .. } | Self::TooMuchOutput { .. } => None,
        }
    }
}

fn expectation(expected: &[String]) -> String {
    match expected {
        [] => "none was".to_owned(),
        [one] => format!("{one} was"),
        many => format!("one of {} was", many.join(", ")),
    }
}

fn accepts(remaining: &[String]) -> String {
    if remaining.is_empty() {
        String::new()
    } else {
        format!(" (it accepts: {})", remaining.join(", "))
    }
}
