//! The installer's sealed secrets, as steps see them.

use std::sync::Arc;

use async_trait::async_trait;
use secrecy::SecretString;
use sovereign_bootstrap::nodes::{SecretStore, SecretStoreError};
use sovereign_core::secret::SecretRef;
use sovereign_engine::step::chain;
use sovereign_store::{SqliteStore, Vault, secrets};

/// The vault of the installer's store; its master key is read when it is needed.
#[derive(Debug)]
pub(crate) struct Sealed(pub(crate) Arc<SqliteStore>);

impl Sealed {
    fn vault(&self) -> Result<Vault<'_>, SecretStoreError> {
        Vault::open(&self.0).map_err(|error| failed(&error))
    }
}

#[async_trait]
impl SecretStore for Sealed {
    async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretStoreError> {
        self.vault()?.get(name).await.map_err(|error| failed(&error))
    }

    async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretStoreError> {
        let resolved = secrets::resolve(reference, &self.vault()?).await;
        resolved.map_err(|error| failed(&error))
    }

    async fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretStoreError> {
        self.vault()?
            .put(name, secret)
            .await
            .map_err(|error| failed(&error))
    }

    async fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
        let deleted = self.vault()?.delete(name).await;
        deleted.map(drop).map_err(|error| failed(&error))
    }
}

fn failed(error: &dyn std::error::Error) -> SecretStoreError {
    SecretStoreError(chain(error))
}
