//! SSH with pinned keys: the installer's way to hosts that it can reach and that need not reach it.
//!
//! No agent, no configuration and no `known_hosts` of the operator's plays a part: a host is trusted by the keys it is
//! given here, and by nothing else. [`host_key`] is how an operator gets to see a key before trusting it.

mod connect;
mod error;
mod handler;
mod host;
mod keys;
mod shell;
mod upload;

use std::fmt;

use secrecy::SecretString;

pub use self::connect::{ask, connect, host_key};
pub use self::error::SshError;
pub use self::host::{Output, SshHost};
pub use self::keys::{HostKey, new_key_pair, public_key};

pub(crate) use self::shell::quoted;

/// Where to log in, as whom, and which host is trusted there.
#[derive(Debug, Clone)]
pub struct SshTarget {
    /// IP address or host name.
    pub host: String,
    /// Port of its SSH server.
    pub port: u16,
    /// Whom to log in as. Other users than root need the right to become root by `sudo` without a password.
    pub user: String,
    /// Which host is trusted.
    pub host_keys: HostKeys,
    /// Private key to log in with, in OpenSSH form, without a passphrase.
    pub key: SecretString,
}

/// Which host is trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostKeys {
    /// One that has any of these public keys, in OpenSSH form.
    Pinned(Vec<String>),
}

impl HostKeys {
    fn pinned(&self) -> &[String] {
        let Self::Pinned(keys) = self;
        keys
    }
}

impl SshTarget {
    fn address(&self) -> Address {
        Address {
            host: self.host.clone(),
            port: self.port,
        }
    }
}

/// A host and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// IP address or host name.
    pub host: String,
    /// Port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}
