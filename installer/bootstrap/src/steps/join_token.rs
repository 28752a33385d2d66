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
        Ok(kept(cx, &self.sovereign, Slot::Current).await?.map(drop))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        keep(cx, &self.sovereign, Slot::Current, &fresh()).await
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        forget(cx, &self.sovereign).await
    }
}

/// Which of a cluster's secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// By which nodes join.
    Current,
    /// By which they will, while it is changed.
    Next,
    /// By which they did before; kept until it has been shown that it opens nothing.
    Old,
}

impl Slot {
    const ALL: [Self; 3] = [Self::Current, Self::Next, Self::Old];

    fn name(self, sovereign: &SovereignName) -> String {
        let current = join_token_name(sovereign);
        match self {
            Self::Current => current,
            Self::Next => format!("{current}/next"),
            Self::Old => format!("{current}/old"),
        }
    }
}

/// 256 random bits.
pub(super) fn fresh() -> SecretString {
    SecretString::from(hex::encode(rand::random::<[u8; 32]>()))
}

/// The secret, if it was made.
pub(super) async fn kept(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    slot: Slot,
) -> Result<Option<SecretString>, StepError> {
    let secrets = cx.services.nodes.secrets();
    secrets.get(&slot.name(sovereign)).await.map_err(sealed)
}

/// Keeps a secret.
pub(super) async fn keep(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    slot: Slot,
    secret: &SecretString,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    secrets.put(&slot.name(sovereign), secret).await.map_err(sealed)
}

/// Forgets a secret; missing is success.
pub(super) async fn drop_secret(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
    slot: Slot,
) -> Result<(), StepError> {
    let secrets = cx.services.nodes.secrets();
    secrets.delete(&slot.name(sovereign)).await.map_err(sealed)
}

/// Names of all of them in the sealed store.
pub(super) fn names(sovereign: &SovereignName) -> [String; 3] {
    Slot::ALL.map(|slot| slot.name(sovereign))
}

/// Forgets all of them; missing is success.
pub(super) async fn forget(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(), StepError> {
    for slot in Slot::ALL {
        drop_secret(cx, sovereign, slot).await?;
    }
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the secret that lets nodes into the cluster cannot be kept: {error}"),
        remedy: "see whether the state directory can be written and the master key is the right one: `sovereign doctor`".into(),
    }
}
