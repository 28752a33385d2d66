//! References to secrets, which the spec, the plan and the journal carry, and secrets on their way to a host.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize as _;

/// Hex digits of a fingerprint.
const FINGERPRINT: usize = 16;

/// Where a secret is found when it is needed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum SecretRef {
    /// Name of an environment variable of the installer.
    Env(String),
    /// Path of a file readable by the installer; a trailing newline is dropped.
    File(PathBuf),
    /// Name of an entry in the installer's sealed secret store.
    Sealed(String),
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Env(name) => write!(f, "environment variable `{name}`"),
            Self::File(path) => write!(f, "file `{}`", path.display()),
            Self::Sealed(name) => write!(f, "sealed secret `{name}`"),
        }
    }
}

/// A secret that travels on the node link to where it is used, and is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SentSecret(String);

impl SentSecret {
    /// Takes the secret in.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret, to be written where it is read and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SentSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SentSecret(..)")
    }
}

impl Drop for SentSecret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Tells one token from another without showing it: the first 16 hex digits of its SHA-256. Only for tokens that a machine made up,
/// which are too long to be guessed from this.
pub fn fingerprint(token: &str) -> String {
    let mut digits = hex::encode(Sha256::digest(token));
    digits.truncate(FINGERPRINT);
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_on_its_way_is_never_shown() {
        let secret = SentSecret::new("canary-token");
        assert_eq!(format!("{secret:?}"), "SentSecret(..)");
    }

    #[test]
    fn a_fingerprint_tells_tokens_apart_and_shows_none() {
        let (one, other) = (fingerprint("canary-1"), fingerprint("canary-2"));
        assert_ne!(one, other);
        assert_eq!(one.len(), FINGERPRINT);
        assert!(!one.contains("canary"));
    }
}
