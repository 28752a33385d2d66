//! The steps, one file each. A step recognises its work by exact name and ownership label, makes it, and can remove it.

mod addresses;
mod boot;
mod clock;
mod conversation;
mod delegation;
mod delete;
mod enrol;
mod error;
mod firewall;
mod forget_nodes;
mod hand_off;
mod install_kit;
mod join_token;
mod leave_host;
mod let_go;
mod load_balancer;
mod made;
mod network;
mod node_link;
mod own_token;
mod owned;
mod parent_credential;
mod place;
mod placement_group;
mod pool;
mod prepare_host;
mod proof;
mod registry_authority;
mod release_host;
mod rotate_token;
mod run_k3s;
mod serve_registry;
mod server;
mod ssh_key;
mod sweep;
mod voice;
mod zone;
mod zone_key;

use sovereign_engine::registry::StepRegistry;

use crate::services::Services;

pub use boot::HostBoot;
pub use delegation::{
    Course, DelegatedName, DrainDelegation, InspectDelegation, InspectedDelegation, PointDelegation,
    ROLL_BACK, ReachedStage, RestoreDelegation, SignDelegation, UnsignDelegation, ValidateDelegation,
    ValidatedDelegation, ValidatedWay,
};
pub use delete::DeleteResource;
pub use enrol::{EnrolHost, EnrolledHost};
pub use firewall::CreateFirewall;
pub use forget_nodes::ForgetNodes;
pub use hand_off::{HandOff, HandedOff};
pub use install_kit::{InstallKit, InstalledKit};
pub use join_token::MakeJoinToken;
pub use leave_host::LeaveHost;
pub use let_go::LetGo;
pub use load_balancer::CreateLoadBalancer;
pub use made::Made;
pub use network::CreateNetwork;
pub use node_link::{LinkKeys, PrepareLink};
pub use own_token::PlannedToken;
pub use parent_credential::{ForgetParentCredential, KeepParentCredential};
pub use place::{HostPlace, Machine};
pub use placement_group::CreatePlacementGroup;
pub use pool::{
    ActivateName, DelegateName, DelegatedChild, HeldName, HoldName, ProveServers, ReleaseName, WithdrawName,
};
pub use prepare_host::{PrepareHost, PreparedHost};
pub use proof::ProveEmpty;
pub use registry_authority::{MakeRegistryAuthority, RegistryAuthority};
pub use release_host::{ReleaseHost, ReleasedHost};
pub use rotate_token::RotateToken;
pub use run_k3s::{ClusterNode, RunK3s};
pub use serve_registry::{ServeRegistry, ServedRegistry};
pub use server::{CreateServer, Fallback, MadeServer, ServerChoice};
pub use ssh_key::CreateSshKey;
pub use sweep::Sweep;
pub use zone::{CreateZone, MadeZone, RemoveZone};
pub use zone_key::{
    AddZoneKey, AddedKey, ForsakeZoneKey, RetireZoneKey, RolledKey, RolledZone, SettleZoneKey, VouchZoneKey,
    VouchedKey,
};

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
        .with::<MakeRegistryAuthority>()
        .with::<ServeRegistry>()
        .with::<MakeJoinToken>()
        .with::<RunK3s>()
        .with::<InstallKit>()
        .with::<RotateToken>()
        .with::<HandOff>()
        .with::<ReleaseHost>()
        .with::<LetGo>()
        .with::<LeaveHost>()
        .with::<ForgetNodes>()
        .with::<CreateZone>()
        .with::<RemoveZone>()
        .with::<AddZoneKey>()
        .with::<SettleZoneKey>()
        .with::<VouchZoneKey>()
        .with::<RetireZoneKey>()
        .with::<ForsakeZoneKey>()
        .with::<KeepParentCredential>()
        .with::<ForgetParentCredential>()
        .with::<InspectDelegation>()
        .with::<UnsignDelegation>()
        .with::<PointDelegation>()
        .with::<DrainDelegation>()
        .with::<SignDelegation>()
        .with::<ValidateDelegation>()
        .with::<RestoreDelegation>()
        .with::<HoldName>()
        .with::<ProveServers>()
        .with::<DelegateName>()
        .with::<ActivateName>()
        .with::<WithdrawName>()
        .with::<ReleaseName>()
        .with::<DeleteResource>()
        .with::<Sweep>()
        .with::<ProveEmpty>()
}
