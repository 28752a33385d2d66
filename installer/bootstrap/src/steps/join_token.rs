//! The secret that lets nodes into the cluster.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};

use crate::cluster::join_token_name;
use crate::nodes::SecretStoreError;
use crate::services::Services;

/// Makes the secret that lets nodes into the cluster: 256 random bits, kept sealed, sent on the node link alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MakeJoinToken {
    /// Whose cluster.
    pub sovereign: SovereignName,
}

impl Step for MakeJoinToken {
    const KIND: &'static str = "cluster.join_token";
    type Services = Services;
    type Output = ();

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<()>, StepError> {
        Ok(kept(cx, &self.sovereign).await?.map(drop))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        let secret = SecretString::from(hex::encode(rand::random::<[u8; 32]>()));
        let secrets = cx.services.nodes.secrets();
        let put = secrets.put(&join_token_name(&self.sovereign), &secret).await;
        put.map_err(sealed)
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        forget(cx, &self.sovereign).await
    }
}

/// The secret, if it was made.
pub(super) async fn kept(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<Option<SecretString>, StepError> {
    let secrets = cx.services.nodes.secrets();
    secrets.get(&join_token_name(sovereign)).await.map_err(sealed)
}

/// Forgets the secret; missing is success.
pub(super) async fn forget(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    secrets.delete(&join_token_name(sovereign)).await.map_err(sealed)
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the secret that lets nodes into the cluster cannot be kept: {error}"),
        remedy: "see whether the state directory can be written and the master key is the right one: `sovereign doctor`".into(),
    }
}
