//! The CA that a Sovereign's registries are known by.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_images::certificate::{CertificateError, Pair, authority};

use crate::nodes::SecretStoreError;
use crate::services::Services;

/// Makes the CA that a Sovereign's registries are known by: once, its key kept sealed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeRegistryAuthority {
    /// Whose registries.
    pub sovereign: SovereignName,
}

/// The CA as everyone may know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RegistryAuthority {
    /// Its certificate, PEM.
    pub ca_pem: String,
}

impl Step for MakeRegistryAuthority {
    const KIND: &'static str = "registry.authority";
    type Services = Services;
    type Output = RegistryAuthority;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<RegistryAuthority>, StepError> {
        let kept = kept(cx, &self.sovereign).await?;
        Ok(kept.map(|pair| RegistryAuthority {
            ca_pem: pair.certificate_pem,
        }))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<RegistryAuthority, StepError> {
        let pair = authority(&format!("registries of {}", self.sovereign)).map_err(broken)?;
        let secrets = cx.services.nodes.secrets();
        let [certificate, key] = names(&self.sovereign);
        // The certificate last: a key without one is made anew.
        secrets.put(&key, &pair.key_pem).await.map_err(sealed)?;
        let text = SecretString::from(pair.certificate_pem.as_str());
        secrets.put(&certificate, &text).await.map_err(sealed)?;
        Ok(RegistryAuthority {
            ca_pem: pair.certificate_pem,
        })
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        forget(cx, &self.sovereign).await
    }
}

/// Names of the sealed certificate and its key.
pub(super) fn names(sovereign: &SovereignName) -> [String; 2] {
    ["certificate", "key"].map(|part| format!("registry/{sovereign}/authority/{part}"))
}

/// The CA, if it was made.
pub(super) async fn kept(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<Option<Pair>, StepError> {
    let secrets = cx.services.nodes.secrets();
    let [certificate, key] = names(sovereign);
    let certificate = secrets.get(&certificate).await.map_err(sealed)?;
    let key = secrets.get(&key).await.map_err(sealed)?;
    Ok(certificate.zip(key).map(|(certificate, key_pem)| Pair {
        certificate_pem: certificate.expose_secret().to_owned(),
        key_pem,
    }))
}

/// Forgets the CA; missing is success.
pub(super) async fn forget(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    for name in names(sovereign) {
        secrets.delete(&name).await.map_err(sealed)?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the CA of the Sovereign's registries cannot be kept: {error}"),
        remedy: "see whether the state directory can be written and the master key is the right one: `sovereign doctor`".into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
pub(super) fn broken(error: CertificateError) -> StepError {
    StepError::Fatal {
        cause: error.to_string(),
        remedy: "restore the state directory from a backup, or destroy the Sovereign and make it anew".into(),
    }
}
