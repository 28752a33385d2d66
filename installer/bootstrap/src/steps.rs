//! The steps, one file each. A step recognises its work by exact name and ownership label, makes it, and can remove it.

mod boot;
mod conversation;
mod delete;
mod enrol;
mod error;
mod firewall;
mod forget_nodes;
mod join_token;
mod leave_host;
mod load_balancer;
mod made;
mod network;
mod node_link;
mod owned;
mod placement_group;
mod prepare_host;
mod proof;
mod run_k3s;
mod server;
mod ssh_key;
mod sweep;
mod voice;
mod zone;

use sovereign_engine::registry::StepRegistry;

use crate::services::Services;

pub use boot::HostBoot;
pub use delete::DeleteResource;
pub use enrol::{EnrolHost, EnrolledHost, HostPlace, Machine};
pub use firewall::CreateFirewall;
pub use forget_nodes::ForgetNodes;
pub use join_token::MakeJoinToken;
pub use leave_host::LeaveHost;
pub use load_balancer::CreateLoadBalancer;
pub use made::Made;
pub use network::CreateNetwork;
pub use node_link::{LinkKeys, PrepareLink};
pub use placement_group::CreatePlacementGroup;
pub use prepare_host::{PrepareHost, PreparedHost};
pub use proof::ProveEmpty;
pub use run_k3s::{ClusterNode, RunK3s};
pub use server::{CreateServer, Fallback, MadeServer, ServerChoice};
pub use ssh_key::CreateSshKey;
pub use sweep::Sweep;
pub use zone::{CreateZone, MadeZone, RemoveZone};

/// Every step this version knows.
pub fn registry() -> StepRegistry<Services> {
    StepRegistry::default()
        .with::<CreateNetwork>()
        .with::<CreateFirewall>()
        .with::<CreateSshKey>()
        .with::<CreatePlacementGroup>()
        .with::<CreateServer>()
        .with::<CreateLoadBalancer>()
        .with::<PrepareLink>()
        .with::<EnrolHost>()
        .with::<PrepareHost>()
        .with::<MakeJoinToken>()
        .with::<RunK3s>()
        .with::<LeaveHost>()
        .with::<ForgetNodes>()
        .with::<CreateZone>()
        .with::<RemoveZone>()
        .with::<DeleteResource>()
        .with::<Sweep>()
        .with::<ProveEmpty>()
}
