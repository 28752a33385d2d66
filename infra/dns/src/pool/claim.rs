//! The secret that proves an owner.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a Sovereign proves with that a name is its own: 256 random bits in hex. The book keeps only its digest.
#[derive(Debug, Clone)]
pub struct Claim(SecretString);

impl Claim {
    /// A new one.
    pub fn generate() -> Self {
        Self(hex::encode(rand::random::<[u8; 32]>()).into())
    }

    /// One that was kept.
    pub fn from_secret(secret: SecretString) -> Self {
        Self(secret)
    }

    /// As it is kept, sealed.
    pub fn secret(&self) -> &SecretString {
        &self.0
    }

    /// What others may know of it.
    pub fn digest(&self) -> ClaimDigest {
        ClaimDigest(hex::encode(Sha256::digest(self.0.expose_secret())))
    }
}

/// SHA-256 of a [`Claim`], in hex.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClaimDigest(String);

impl fmt::Debug for ClaimDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClaimDigest({}…)", self.0.get(..8).unwrap_or_default())
    }
}
