//! Makes an SSH key known to the cloud, or uses the equal one that is there.

use serde::{Deserialize, Serialize};
use sovereign_cloud::request::SshKeyRequest;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_cloud::{ErrorClass, Freshness};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::error::step_error;
use super::made::Made;
use super::owned::{freshness, remove, same_owner};
use super::voice::Voice;
use crate::services::Services;

/// Makes an SSH key known. The cloud holds a key once: an equal one, whoever's, is used, and removed only if it is ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateSshKey {
    /// What to make.
    pub request: SshKeyRequest,
}

impl CreateSshKey {
    async fn look(
        &self,
        cx: &StepContext<'_, Services>,
        freshness: Freshness,
    ) -> Result<Option<Resource>, StepError> {
        let cloud = cx.services.cloud()?;
        let found = cloud.find_ssh_key(&self.request.fingerprint, freshness).await;
        found.map_err(step_error)
    }
}

impl Step for CreateSshKey {
    const KIND: &'static str = "ssh_key.create";
    type Services = Services;
    type Output = Made;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<Made>, StepError> {
        Ok(self.look(cx, freshness(cx)).await?.map(Made::from))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<Made, StepError> {
        let cloud = cx.services.cloud()?;
        match cloud.create_ssh_key(&self.request, &Voice::of(cx).wait()).await {
            Ok(made) => Ok(made.into()),
            // Either the key was made known meanwhile, or another key has the name.
            Err(error) if error.class == ErrorClass::Exists => {
                let equal = self.look(cx, Freshness::Now).await?;
                equal.map(Made::from).ok_or_else(|| step_error(error))
            }
            Err(error) => Err(step_error(error)),
        }
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        match self.look(cx, Freshness::Now).await? {
            Some(key) if same_owner(&self.request.labels, &key.labels) => {
                remove(cx, ResourceKind::SshKey, key.id).await
            }
            _ => Ok(()),
        }
    }
}
