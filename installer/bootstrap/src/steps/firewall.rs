//! Makes a firewall, or gives one that is there the plan's rules.

use serde::{Deserialize, Serialize};
use sovereign_cloud::label;
use sovereign_cloud::request::FirewallRequest;
use sovereign_cloud::resource::{Resource, ResourceKind};
use sovereign_engine::step::{Step, StepContext, StepError};

use super::error::step_error;
use super::made::Made;
use super::owned::{Owned, freshness};
use super::voice::Voice;
use crate::services::Services;

/// Makes a firewall. A label holds the digest of its rules, so that a changed spec shows without reading them back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateFirewall {
    /// What to make.
    pub request: FirewallRequest,
}

impl CreateFirewall {
    fn own(&self) -> Owned<'_> {
        Owned {
            kind: ResourceKind::Firewall,
            name: &self.request.name,
            labels: &self.request.labels,
        }
    }

    fn has_our_rules(&self, firewall: &Resource) -> bool {
        firewall.labels.get(label::REQUEST) == self.request.labels.get(label::REQUEST)
    }

    /// The label goes last: a crash between the two sets the rules once more.
    async fn set_rules(&self, cx: &StepContext<'_, Services>, firewall: Resource) -> Result<Made, StepError> {
        let cloud = cx.services.cloud()?;
        cloud
            .set_firewall_rules(firewall.id, &self.request.rules, &Voice::of(cx).wait())
            .await
            .map_err(step_error)?;
        cloud
            .relabel(ResourceKind::Firewall, firewall.id, &self.request.labels)
            .await
            .map_err(step_error)?;
        Ok(firewall.into())
    }
}

impl Step for CreateFirewall {
    const KIND: &'static str = "firewall.create";
    type Services = Services;
    type Output = Made;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<Made>, StepError> {
        let found = self.own().find(cx, freshness(cx)).await?;
        Ok(found
            .filter(|firewall| self.has_our_rules(firewall))
            .map(Made::from))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<Made, StepError> {
        if let Some(found) = self.own().find(cx, freshness(cx)).await? {
            return self.set_rules(cx, found).await;
        }
        let cloud = cx.services.cloud()?;
        let outcome = cloud.create_firewall(&self.request, &Voice::of(cx).wait()).await;
        let made = self.own().made(cx, outcome).await?;
        if self.has_our_rules(&made) {
            Ok(made.into())
        } else {
            self.set_rules(cx, made).await
        }
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        self.own().remove(cx).await
    }
}
