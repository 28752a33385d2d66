//! The credential that a delegation is changed with: looked up where the spec says, and kept sealed for as long as the change may
//! have to be taken back, so that another process, without the operator's environment, can do that.

use secrecy::{ExposeSecret as _, SecretString};
use sovereign_core::name::SovereignName;
use sovereign_core::registrar::RegistrarCredential;
use sovereign_core::secret::SentSecret;

use crate::nodes::{SecretStore, SecretStoreError};

/// The credential with the secrets that it refers to.
pub async fn look_up(
    secrets: &dyn SecretStore,
    credential: &RegistrarCredential,
) -> Result<RegistrarCredential<SecretString>, SecretStoreError> {
    let mut found = Vec::new();
    for reference in credential.secrets() {
        found.push(secrets.resolve(&reference).await?);
    }
    credential.clone().with_secrets(found).ok_or_else(incomplete)
}

/// The copy that was sealed, if there is one.
pub async fn kept(
    secrets: &dyn SecretStore,
    sovereign: &SovereignName,
) -> Result<Option<RegistrarCredential<SecretString>>, SecretStoreError> {
    let Some(sealed) = secrets.get(&name(sovereign)).await? else {
        return Ok(None);
    };
    let read = serde_json::from_str::<RegistrarCredential<SentSecret>>(sealed.expose_secret());
    // The error would repeat what it could not read.
    let read = read.map_err(|_| SecretStoreError(format!("`{}` is no credential", name(sovereign))))?;
    let parts = read.secrets().into_iter();
    let parts = parts.map(|secret| SecretString::from(secret.expose())).collect();
    Ok(read.with_secrets(parts))
}

/// Seals a copy; an earlier one is gone.
pub async fn keep(
    secrets: &dyn SecretStore,
    sovereign: &SovereignName,
    credential: &RegistrarCredential<SecretString>,
) -> Result<(), SecretStoreError> {
    secrets.put(&name(sovereign), &written(credential)?).await
}

/// Destroys the copy; missing is success.
pub async fn forget(secrets: &dyn SecretStore, sovereign: &SovereignName) -> Result<(), SecretStoreError> {
    secrets.delete(&name(sovereign)).await
}

/// Whether both hold the same.
pub fn is_same(
    one: &RegistrarCredential<SecretString>,
    other: &RegistrarCredential<SecretString>,
) -> Result<bool, SecretStoreError> {
    Ok(written(one)?.expose_secret() == written(other)?.expose_secret())
}

fn name(sovereign: &SovereignName) -> String {
    format!("delegation/{sovereign}/credential")
}

/// As it is sealed.
fn written(credential: &RegistrarCredential<SecretString>) -> Result<SecretString, SecretStoreError> {
    let parts = credential.secrets().into_iter();
    let parts = parts
        .map(|secret| SentSecret::new(secret.expose_secret()))
        .collect();
    let sent = credential.clone().with_secrets(parts).ok_or_else(incomplete)?;
    let text = serde_json::to_string(&sent).map_err(|error| SecretStoreError(error.to_string()))?;
    Ok(SecretString::from(text))
}

fn incomplete() -> SecretStoreError {
    SecretStoreError("a part of the credential is missing".to_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use async_trait::async_trait;
    use serde_json::json;
    use sovereign_core::registrar::{RegistrarKind, credential_help};
    use sovereign_core::secret::SecretRef;

    use super::*;

    /// A secret is where its variable is called so, and is what it is called.
    #[derive(Debug, Default)]
    struct Memory(Mutex<BTreeMap<String, SecretString>>);

    #[async_trait]
    impl SecretStore for Memory {
        async fn get(&self, name: &str) -> Result<Option<SecretString>, SecretStoreError> {
            Ok(self.0.lock().unwrap().get(name).cloned())
        }

        async fn resolve(&self, reference: &SecretRef) -> Result<SecretString, SecretStoreError> {
            Ok(SecretString::from(format!("canary of {reference}")))
        }

        async fn put(&self, name: &str, secret: &SecretString) -> Result<(), SecretStoreError> {
            self.0.lock().unwrap().insert(name.to_owned(), secret.clone());
            Ok(())
        }

        async fn delete(&self, name: &str) -> Result<(), SecretStoreError> {
            self.0.lock().unwrap().remove(name);
            Ok(())
        }
    }

    /// Of the examples that people get.
    fn credential(kind: RegistrarKind) -> RegistrarCredential {
        let mut parts = json!({ "kind": kind });
        for part in credential_help(kind).needs {
            parts[part.key] = if part.secret {
                json!({ "env": part.example })
            } else {
                json!(part.example)
            };
        }
        serde_json::from_value(parts).unwrap()
    }

    #[tokio::test]
    async fn what_was_sealed_comes_back_whole_and_goes() {
        let (secrets, sovereign) = (Memory::default(), "acme-dev".parse().unwrap());
        for kind in RegistrarKind::ALL {
            let found = look_up(&secrets, &credential(kind)).await.unwrap();
            keep(&secrets, &sovereign, &found).await.unwrap();
            let back = kept(&secrets, &sovereign).await.unwrap().unwrap();
            assert!(is_same(&found, &back).unwrap(), "{kind}");
            assert!(!format!("{back:?}").contains("canary"), "{back:?}");
        }
        forget(&secrets, &sovereign).await.unwrap();
        forget(&secrets, &sovereign).await.unwrap();
        assert!(kept(&secrets, &sovereign).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_damaged_copy_is_told_without_being_repeated() {
        let (secrets, sovereign) = (Memory::default(), "acme-dev".parse().unwrap());
        let damaged = SecretString::from("{\"kind\": \"gandi\", \"token\": \"canary");
        secrets.put(&name(&sovereign), &damaged).await.unwrap();
        let error = kept(&secrets, &sovereign).await.unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}
