//! From a reference in a spec to the secret, right before it is needed.

use secrecy::SecretString;
use sovereign_core::secret::SecretRef;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::vault::Vault;

/// Why a reference leads to no secret. Never holds the secret.
#[derive(Debug, Error)]
pub enum SecretError {
    /// Nothing is there.
    #[error("{0} is not set")]
    Missing(SecretRef),
    /// Something is there and is empty.
    #[error("{0} is empty")]
    Empty(SecretRef),
    /// The file cannot be read.
    #[error("{reference} cannot be read")]
    Read {
        /// The reference.
        reference: SecretRef,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The vault failed.
    #[error("{reference} cannot be opened")]
    Vault {
        /// The reference.
        reference: SecretRef,
        /// Why.
        #[source]
        source: StoreError,
    },
}

/// The secret a reference leads to, without a trailing line break.
pub async fn resolve(reference: &SecretRef, vault: &Vault<'_>) -> Result<SecretString, SecretError> {
    let text = match reference {
        SecretRef::Env(name) => std::env::var(name).ok().map(Zeroizing::new),
        SecretRef::File(path) => match std::fs::read_to_string(path) {
            Ok(text) => Some(Zeroizing::new(text)),
            Err(source) => {
                return Err(SecretError::Read {
                    reference: reference.clone(),
                    source,
                });
            }
        },
        SecretRef::Sealed(name) => {
            let opened = vault.get(name).await;
            let opened = opened.map_err(|source| SecretError::Vault {
                reference: reference.clone(),
                source,
            })?;
            return opened.ok_or_else(|| SecretError::Missing(reference.clone()));
        }
    };
    let text = text.ok_or_else(|| SecretError::Missing(reference.clone()))?;
    let text = text.trim_end_matches(['\n', '\r']);
    if text.is_empty() {
        return Err(SecretError::Empty(reference.clone()));
    }
    Ok(SecretString::from(text))
}
