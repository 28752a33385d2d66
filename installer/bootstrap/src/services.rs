//! What steps work with.

use std::sync::Arc;

use crate::nodes::Nodes;
use sovereign_cloud::Cloud;
use sovereign_dns::ZoneHost;
use sovereign_engine::step::StepError;

/// What steps work with. Wired by the installer.
#[derive(Debug, Clone)]
pub struct Services {
    /// The account the Sovereign stands in; none for machines that are there.
    pub cloud: Option<Arc<dyn Cloud>>,
    /// Servers that answer for the Sovereign's names; each gets the same zone.
    pub zones: Vec<Arc<dyn ZoneHost>>,
    /// The hosts of the Sovereign.
    pub nodes: Arc<Nodes>,
}

impl Services {
    /// The cloud of a step that needs one.
    pub(crate) fn cloud(&self) -> Result<&dyn Cloud, StepError> {
        self.cloud.as_deref().ok_or_else(|| StepError::Fatal {
            cause: "the plan works on a cloud, and the spec names none".into(),
            remedy: "the spec's provider was changed: destroy the Sovereign with the spec it was made from"
                .into(),
        })
    }
}
