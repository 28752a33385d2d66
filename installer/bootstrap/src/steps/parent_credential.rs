//! The registrar's credential, kept sealed from before a delegation is touched until it needs no way back any more.

use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_core::registrar::RegistrarCredential;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use crate::nodes::SecretStoreError;
use crate::parent_credential::{forget, is_same, keep, kept, look_up};
use crate::services::Services;
use crate::steps::InspectDelegation;

/// Seals a copy of the credential, so that whoever goes on, or takes the change back, needs nothing from the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeepParentCredential {
    /// Whose delegation is changed.
    pub sovereign: SovereignName,
    /// Where its parts are found.
    pub credential: RegistrarCredential,
    /// How the delegation was found: one that leads to us needs no way back. None where it is to be given back.
    pub inspect: Option<StepRef<InspectDelegation>>,
}

impl Step for KeepParentCredential {
    const KIND: &'static str = "delegation.keep_credential";
    type Services = Services;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        if let Some(inspect) = &self.inspect
            && cx.output(inspect)?.before.is_none()
        {
            return Ok(Some(()));
        }
        let secrets = cx.services.nodes.secrets();
        let sealed = kept(secrets, &self.sovereign).await.map_err(sealed_error)?;
        let Some(sealed) = sealed.filter(|sealed| sealed.kind() == self.credential.kind()) else {
            return Ok(None);
        };
        // What the spec leads to is newer, where it still leads somewhere.
        let is_current = match look_up(secrets, &self.credential).await {
            Ok(found) => is_same(&found, &sealed).map_err(sealed_error)?,
            Err(_) => true,
        };
        Ok(is_current.then_some(()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        seal(cx, &self.sovereign, &self.credential).await
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        destroy(cx, &self.sovereign).await
    }
}

/// Destroys the sealed copy: the delegation needs no way back any more, or has been given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForgetParentCredential {
    /// Whose delegation was changed.
    pub sovereign: SovereignName,
}

impl Step for ForgetParentCredential {
    const KIND: &'static str = "delegation.forget_credential";
    type Services = Services;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        let secrets = cx.services.nodes.secrets();
        let sealed = kept(secrets, &self.sovereign).await.map_err(sealed_error)?;
        Ok(sealed.is_none().then_some(()))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        destroy(cx, &self.sovereign).await
    }

    async fn undo(&self, _: &StepContext<'_, Services>) -> Result<(), StepError> {
        Ok(())
    }
}

/// Seals a copy of what the spec leads to.
pub(super) async fn seal(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    credential: &RegistrarCredential,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    let found = look_up(secrets, credential).await.map_err(sealed_error)?;
    keep(secrets, sovereign, &found).await.map_err(sealed_error)
}

/// Destroys the sealed copy, if there is one.
pub(super) async fn destroy(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    forget(secrets, sovereign).await.map_err(sealed_error)
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed_error(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the registrar's credential cannot be read or kept: {error}"),
        remedy: "give it where `domain` in the spec says it is found, and see with `sovereign doctor` whether the state directory can be written".into(),
    }
}
