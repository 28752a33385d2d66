//! Parts of the cloud beside its servers that are real, too: firewalls, load balancers, volumes.

use std::fmt::Debug;

use async_trait::async_trait;
use serde_json::Value;

use super::HostError;

/// What the projects hold at one moment, each resource as the API shows it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picture {
    /// Servers with their addresses in `public_net` and `private_net`.
    pub(crate) servers: Vec<Value>,
    /// Private networks.
    pub(crate) networks: Vec<Value>,
    /// Firewalls, with what they are applied to.
    pub(crate) firewalls: Vec<Value>,
    /// Load balancers; servers that a label selector chooses are listed under it.
    pub(crate) load_balancers: Vec<Value>,
    /// Volumes.
    pub(crate) volumes: Vec<Value>,
    /// Servers whose machine runs and shares this machine's kernel: number and first process.
    pub(crate) leaders: Vec<(u64, u32)>,
}

/// Fields of a resource that a part found out and the API is to show.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    /// The resource's kind, for example `load_balancers`.
    pub(crate) kind: &'static str,
    /// Its number.
    pub(crate) id: u64,
    /// What to put into it.
    pub(crate) fields: Value,
}

/// A part that follows what the projects hold.
#[async_trait]
pub(crate) trait Part: Debug + Send {
    /// Brings the machine to what the picture says, and tells what it found. Called on every change, after a failure,
    /// and at least once a second; must be cheap when nothing is to be done.
    async fn follow(&mut self, picture: &Picture) -> Result<Vec<Finding>, HostError>;

    /// Removes everything it made that would not go with the lab's processes and namespaces.
    async fn stop(&mut self);
}
