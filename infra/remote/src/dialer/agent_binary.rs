//! The agent that hosts get.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

/// The agent that hosts get: a program, known by its digest. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentBinary {
    bytes: Arc<[u8]>,
    sha256: Arc<str>,
}

impl AgentBinary {
    /// The program of these bytes.
    pub fn new(bytes: impl Into<Arc<[u8]>>) -> Self {
        let bytes = bytes.into();
        let sha256 = hex::encode(Sha256::digest(&bytes)).into();
        Self { bytes, sha256 }
    }

    /// The program.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of the program, 64 hex digits.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }
}

impl AsRef<[u8]> for AgentBinary {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl fmt::Debug for AgentBinary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentBinary({} bytes, {})", self.bytes.len(), self.sha256)
    }
}
