//! What goes of a Sovereign's name.

use sovereign_core::registrar::RegistrarCredential;
use sovereign_dns::DomainName;

use super::PoolTeardown;
use crate::steps::RestoreDelegation;

/// What goes of a Sovereign's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameTeardown {
    /// The zone that somebody was asked to answer for.
    pub zone: DomainName,
    /// How the world is led elsewhere before the zone goes; none where nobody was led to it.
    pub way_back: Option<WayBack>,
    /// The name out of a pool that is given back; none for a name of another kind.
    pub pool: Option<PoolTeardown>,
}

/// How a delegation is given back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// From where to where.
    pub restore: RestoreDelegation,
    /// The credential that it is done with, where its parts are found; none where a person does it.
    pub credential: Option<RegistrarCredential>,
}
