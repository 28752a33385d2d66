//! The steps, one file each. A step recognises its work by exact name and ownership label, makes it, and can remove it.

mod delete;
mod error;
mod firewall;
mod load_balancer;
mod made;
mod network;
mod owned;
mod placement_group;
mod proof;
mod server;
mod ssh_key;
mod sweep;
mod voice;

use sovereign_engine::registry::StepRegistry;

use crate::services::Services;

pub use delete::DeleteResource;
pub use firewall::CreateFirewall;
pub use load_balancer::CreateLoadBalancer;
pub use made::Made;
pub use network::CreateNetwork;
pub use placement_group::CreatePlacementGroup;
pub use proof::ProveEmpty;
pub use server::{CreateServer, Fallback, MadeServer, ServerChoice};
pub use ssh_key::CreateSshKey;
pub use sweep::Sweep;

/// Every step this version knows.
pub fn registry() -> StepRegistry<Services> {
    StepRegistry::default()
        .with::<CreateNetwork>()
        .with::<CreateFirewall>()
        .with::<CreateSshKey>()
        .with::<CreatePlacementGroup>()
        .with::<CreateServer>()
        .with::<CreateLoadBalancer>()
        .with::<DeleteResource>()
        .with::<Sweep>()
        .with::<ProveEmpty>()
}
