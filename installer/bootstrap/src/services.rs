//! What steps work with.

use std::sync::Arc;
use std::time::Duration;

use crate::nodes::Nodes;
use secrecy::SecretString;
use sovereign_cloud::Cloud;
use sovereign_dns::ZoneHost;
use sovereign_dns::pool::PoolBook;
use sovereign_dns::probe::ProbeConfig;
use sovereign_dns::registrar::ParentHost;
use sovereign_dns::transfer::Secondary;
use sovereign_engine::journal::Journal;
use sovereign_engine::step::StepError;

/// What steps work with. Wired by the installer.
#[derive(Debug, Clone)]
pub struct Services {
    /// The account the Sovereign stands in; none for machines that are there.
    pub cloud: Option<Arc<dyn Cloud>>,
    /// Fingerprint of the token that the account is worked on with; none for machines that are there.
    pub token: Option<String>,
    /// The cloud token that is to stay with the Sovereign; none where the plan hands none over.
    pub own_token: Option<OwnToken>,
    /// Servers that answer for the Sovereign's names; each gets the same zone.
    pub zones: Vec<Arc<dyn ZoneHost>>,
    /// Servers that have the zone from the first of those.
    pub secondaries: Vec<Secondary>,
    /// Who says where the domain's name servers are; nobody where that is done by hand, or not at all.
    pub parent: Option<Arc<dyn ParentHost>>,
    /// Who has which name out of a pool.
    pub pool: NamePool,
    /// Where and how delegations are looked at.
    pub probe: ProbeConfig,
    /// The hosts of the Sovereign.
    pub nodes: Arc<Nodes>,
    /// What earlier runs wrote down.
    pub journal: Arc<dyn Journal>,
}

/// Who has which name out of a pool, and how long a name that was given back is kept from others.
#[derive(Debug, Clone)]
pub struct NamePool {
    /// The book.
    pub book: Arc<dyn PoolBook>,
    /// The quarantine, at least; what caches remember counts in any case.
    pub quarantine: Duration,
}

/// A cloud token of the Sovereign's own.
#[derive(Debug, Clone)]
pub struct OwnToken {
    /// The token.
    pub secret: SecretString,
    /// The account as it opens it.
    pub cloud: Arc<dyn Cloud>,
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
