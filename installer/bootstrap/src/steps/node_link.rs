//! Makes the keys that installer and hosts of a Sovereign know each other by.

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;
use sovereign_engine::step::{Step, StepContext, StepError};
use sovereign_remote::ssh;

use super::{join_token, registry_authority};
use crate::nodes::{SecretStoreError, login_key_name};
use crate::services::Services;

/// Makes the key that the installer logs in to the Sovereign's servers with. Only its public half leaves the sealed store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrepareLink {
    /// Whose servers.
    pub sovereign: SovereignName,
}

/// The public halves of the keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkKeys {
    /// Public key of the installer's login, in OpenSSH form.
    pub login_key: String,
}

impl Step for PrepareLink {
    const KIND: &'static str = "node_link.prepare";
    type Services = Services;
    type Output = LinkKeys;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<LinkKeys>, StepError> {
        let secrets = cx.services.nodes.secrets();
        let kept = secrets.get(&login_key_name(&self.sovereign)).await;
        kept.map_err(sealed)?.map(|key| public(&key)).transpose()
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<LinkKeys, StepError> {
        let (private, login_key) =
            ssh::new_key_pair(&format!("sovereign installer of {}", self.sovereign)).map_err(broken)?;
        let secrets = cx.services.nodes.secrets();
        let name = login_key_name(&self.sovereign);
        secrets.put(&name, &private).await.map_err(sealed)?;
        Ok(LinkKeys { login_key })
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        forget(cx, &self.sovereign).await
    }
}

/// Forgets the Sovereign's keys and everything noted about its nodes.
pub(super) async fn forget(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(), StepError> {
    let nodes = &cx.services.nodes;
    join_token::forget(cx, sovereign).await?;
    registry_authority::forget(cx, sovereign).await?;
    let forgotten = nodes.secrets().delete(&login_key_name(sovereign)).await;
    forgotten.map_err(sealed)?;
    nodes.forget(sovereign).await.map_err(|error| StepError::Retry {
        cause: format!("the nodes of `{sovereign}` cannot be forgotten: {error}"),
        after: None,
        unsettled: false,
    })
}

/// How many secrets of the Sovereign this installer may keep, and the names of those that it does.
pub(super) async fn kept(
    cx: &StepContext<'_, Services>,
    sovereign: &SovereignName,
) -> Result<(usize, Vec<String>), StepError> {
    let mut names = vec![login_key_name(sovereign)];
    names.extend(join_token::names(sovereign));
    names.extend(registry_authority::names(sovereign));
    let all = names.len();
    let mut kept = Vec::new();
    for name in names {
        if cx
            .services
            .nodes
            .secrets()
            .get(&name)
            .await
            .map_err(sealed)?
            .is_some()
        {
            kept.push(name);
        }
    }
    Ok((all, kept))
}

fn public(private: &SecretString) -> Result<LinkKeys, StepError> {
    let login_key = ssh::public_key(private.expose_secret()).map_err(broken)?;
    Ok(LinkKeys { login_key })
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn sealed(error: SecretStoreError) -> StepError {
    StepError::Fatal {
        cause: format!("the key of the node link cannot be kept: {error}"),
        remedy: "see whether the state directory can be written and the master key is the right one: `sovereign doctor`".into(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "handed over by `map_err`")]
fn broken(error: ssh::SshError) -> StepError {
    StepError::Fatal {
        cause: format!("the key of the node link is unusable: {error}"),
        remedy: "destroy the Sovereign, or restore the state directory from a backup".into(),
    }
}
