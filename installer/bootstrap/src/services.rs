//! What steps work with.

use std::sync::Arc;

use sovereign_cloud::Cloud;

/// What steps work with. Wired by the installer.
#[derive(Debug, Clone)]
pub struct Services {
    /// The account the Sovereign stands in.
    pub cloud: Arc<dyn Cloud>,
}
