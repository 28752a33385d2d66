//! Makes a load balancer.

use serde::{Deserialize, Serialize};
use sovereign_cloud::request::LoadBalancerRequest;
use sovereign_cloud::resource::ResourceKind;
use sovereign_engine::plan::StepRef;
use sovereign_engine::step::{Step, StepContext, StepError};

use super::made::Made;
use super::network::CreateNetwork;
use super::owned::{Owned, freshness};
use super::voice::Voice;
use crate::services::Services;

/// Makes a load balancer whose targets are chosen by label, so that it needs no server to exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreateLoadBalancer {
    /// What to make; its network is learned from the step below.
    pub request: LoadBalancerRequest,
    /// The network its targets are reached over; public addresses without.
    pub network: Option<StepRef<CreateNetwork>>,
}

impl CreateLoadBalancer {
    fn own(&self) -> Owned<'_> {
        Owned {
            kind: ResourceKind::LoadBalancer,
            name: &self.request.name,
            labels: &self.request.labels,
        }
    }
}

impl Step for CreateLoadBalancer {
    const KIND: &'static str = "load_balancer.create";
    type Services = Services;
    type Output = Made;

    async fn find(&self, cx: &StepContext<'_, Services>) -> Result<Option<Made>, StepError> {
        Ok(self.own().find(cx, freshness(cx)).await?.map(Made::from))
    }

    async fn apply(&self, cx: &StepContext<'_, Services>) -> Result<Made, StepError> {
        let network = self.network.as_ref().map(|step| cx.output(step)).transpose()?;
        let request = LoadBalancerRequest {
            network: network.map(|made| made.id),
            ..self.request.clone()
        };
        let cloud = cx.services.cloud()?;
        let outcome = cloud.create_load_balancer(&request, &Voice::of(cx).wait()).await;
        Ok(self.own().made(cx, outcome).await?.into())
    }

    async fn undo(&self, cx: &StepContext<'_, Services>) -> Result<(), StepError> {
        self.own().remove(cx).await
    }
}
