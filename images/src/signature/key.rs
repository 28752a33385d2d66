//! A pair of keys: ECDSA P-256.

use std::fmt;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{self, DerSignature};
use p256::elliptic_curve::Generate as _;
use p256::pkcs8::{
    DecodePrivateKey as _, DecodePublicKey as _, EncodePrivateKey as _, EncodePublicKey as _, LineEnding,
};
use secrecy::{ExposeSecret as _, SecretString};

use super::SignatureError;

/// The private half. It is wiped from memory when it is dropped, and is in no output.
pub struct SigningKey(ecdsa::SigningKey);

/// The public half.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(ecdsa::VerifyingKey);

fn unreadable<E: fmt::Display>(kind: &'static str) -> impl Fn(E) -> SignatureError {
    move |why| SignatureError::Key {
        kind,
        why: why.to_string(),
    }
}

impl SigningKey {
    /// Makes one, from the system's randomness.
    pub fn generate() -> Self {
        Self(ecdsa::SigningKey::generate())
    }

    /// Reads one in PEM (PKCS #8, not encrypted).
    pub fn from_pem(pem: &SecretString) -> Result<Self, SignatureError> {
        let key = ecdsa::SigningKey::from_pkcs8_pem(pem.expose_secret());
        key.map(Self).map_err(unreadable("private"))
    }

    /// In PEM (PKCS #8, not encrypted).
    pub fn to_pem(&self) -> Result<SecretString, SignatureError> {
        let pem = self
            .0
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(unreadable("private"))?;
        Ok(SecretString::from(pem.as_str()))
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }

    /// Signs the SHA-256 of these bytes; the same bytes are signed the same way (RFC 6979). DER.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: DerSignature = self.0.sign(bytes);
        signature.as_bytes().to_vec()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").finish_non_exhaustive()
    }
}

impl PublicKey {
    /// Reads one in PEM (SPKI).
    pub fn from_pem(pem: &str) -> Result<Self, SignatureError> {
        let key = ecdsa::VerifyingKey::from_public_key_pem(pem);
        key.map(Self).map_err(unreadable("public"))
    }

    /// In PEM (SPKI): the content of `cosign.pub`.
    pub fn to_pem(&self) -> Result<String, SignatureError> {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .map_err(unreadable("public"))
    }

    /// Whether the private half signed these bytes. The signature is DER.
    pub fn signed(&self, bytes: &[u8], signature: &[u8]) -> bool {
        DerSignature::from_bytes(signature).is_ok_and(|signature| self.0.verify(bytes, &signature).is_ok())
    }
}
