//! Sealed secrets: XChaCha20-Poly1305 under the master key, each bound to its name.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::Row as _;
use zeroize::Zeroizing;

use crate::error::StoreError;
use crate::master_key::MasterKey;
use crate::store::SqliteStore;

/// Seals and opens secrets of a store.
#[derive(Debug)]
pub struct Vault<'a> {
    store: &'a SqliteStore,
    key: MasterKey,
}

impl<'a> Vault<'a> {
    /// The vault of a store, under its master key.
    pub fn open(store: &'a SqliteStore) -> Result<Self, StoreError> {
        Ok(Self {
            store,
            key: MasterKey::load(store.dir())?,
        })
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.key.0).into())
    }

    /// Seals a secret under a name; an earlier one of that name is gone.
    pub async fn put(&self, name: &str, secret: &SecretString) -> Result<(), StoreError> {
        let nonce: [u8; 24] = rand::random();
        let payload = Payload {
            msg: secret.expose_secret().as_bytes(),
            aad: name.as_bytes(),
        };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let body = sealed.map_err(|_| StoreError::MasterKey("cannot seal an entry of that length".into()))?;
        let mut writer = self.store.writer.lock().await;
        sqlx::query("INSERT INTO sealed (name, nonce, body) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET nonce = excluded.nonce, body = excluded.body")
            .bind(name)
            .bind(nonce.as_slice())
            .bind(body)
            .execute(&mut *writer)
            .await
            .map_err(|source| StoreError::Database { action: "keep a sealed secret", source })?;
        Ok(())
    }

    /// Opens a secret.
    pub async fn get(&self, name: &str) -> Result<Option<SecretString>, StoreError> {
        let row = sqlx::query("SELECT nonce, body FROM sealed WHERE name = ?")
            .bind(name)
            .fetch_optional(&self.store.readers)
            .await;
        let row = row.map_err(|source| StoreError::Database {
            action: "read a sealed secret",
            source,
        })?;
        let Some(row) = row else { return Ok(None) };
        let (nonce, body): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
        let does_not_open = || StoreError::DoesNotOpen(name.to_owned());
        let nonce = <[u8; 24]>::try_from(nonce).map_err(|_| does_not_open())?;
        let payload = Payload {
            msg: &body,
            aad: name.as_bytes(),
        };
        let text = self
            .cipher()
            .decrypt(&XNonce::from(nonce), payload)
            .map_err(|_| does_not_open())?;
        let text = Zeroizing::new(text);
        let text = std::str::from_utf8(&text).map_err(|_| does_not_open())?;
        Ok(Some(SecretString::from(text)))
    }

    /// Deletes a secret, in the file and its log, too. False if there was none.
    pub async fn delete(&self, name: &str) -> Result<bool, StoreError> {
        let failed = |source| StoreError::Database {
            action: "delete a sealed secret",
            source,
        };
        let mut writer = self.store.writer.lock().await;
        let done = sqlx::query("DELETE FROM sealed WHERE name = ?")
            .bind(name)
            .execute(&mut *writer)
            .await
            .map_err(failed)?;
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
            .execute(&mut *writer)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() > 0)
    }

    /// Names of the secrets, in order.
    pub async fn names(&self) -> Result<Vec<String>, StoreError> {
        let rows = sqlx::query("SELECT name FROM sealed ORDER BY name")
            .fetch_all(&self.store.readers)
            .await;
        let rows = rows.map_err(|source| StoreError::Database {
            action: "list sealed secrets",
            source,
        })?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
