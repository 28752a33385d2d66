//! Makes a placement group.

use serde::{Deserialize, Serialize};
use sovereign_cloud::request::PlacementGroupRequest;
use sovereign_cloud::resource::ResourceKind;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::made::Made;
use super::owned::{Owned, freshness};
use super::voice::Voice;
use crate::services::Services;

/// Makes a group that spreads its servers over hosts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreatePlacementGroup {
    /// What to make.
    pub request: PlacementGroupRequest,
}

impl CreatePlacementGroup {
    fn own(&self) -> Owned<'_> {
        Owned {
            kind: ResourceKind::PlacementGroup,
            name: &self.request.name,
            labels: &self.request.labels,
        }
    }
}

impl Step for CreatePlacementGroup {
    const KIND: &'static str = "placement_group.create";
    type Services = Services;
    type Output = Made;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<Made>, StepError> {
        Ok(self.own().find(cx, freshness(cx)).await?.map(Made::from))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<Made, StepError> {
        let cloud = cx.services.cloud()?;
        let outcome = cloud
            .create_placement_group(&self.request, &Voice::of(cx).wait())
            .await;
        Ok(self.own().made(cx, outcome).await?.into())
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        self.own().remove(cx).await
    }
}
