//! What an adapter has to know: how one registrar reads, writes and tells how far it is. Caution is not its business, see
//! [`super::guard`].

use std::fmt;

use async_trait::async_trait;
use sovereign_core::registrar::RegistrarKind;

use super::delegation::{Delegation, Glue, Signer, TargetNs};
use super::error::RegistrarError;
use super::host::{Capabilities, Progress, Task};
use crate::name::DomainName;

/// What lies between a delegation as it is and as it shall be.
#[derive(Debug)]
pub(super) struct Change {
    /// Other name servers.
    pub(super) ns: Option<TargetNs>,
    /// The whole set of keys, if it differs.
    pub(super) ds: Option<Vec<Signer>>,
    /// Those of it that are new.
    pub(super) ds_added: Vec<Signer>,
    /// Those that are to go.
    pub(super) ds_removed: Vec<Signer>,
    /// Glue that is missing or has other addresses.
    pub(super) glue: Glue,
}

/// One registrar's contract.
#[async_trait]
pub(super) trait Vendor: fmt::Debug + Send + Sync {
    fn kind(&self) -> RegistrarKind;

    fn capabilities(&self) -> Capabilities;

    /// Only where reading the delegation does not prove enough.
    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError> {
        self.read(domain).await.map(drop)
    }

    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError>;

    /// Does just what differs, and in this order: keys that go, glue, name servers, keys that come. So no step leaves a key at the
    /// parent that the servers named beside it cannot answer for, if the whole does not. Returns a task if it is done later.
    async fn write(
        &self,
        domain: &DomainName,
        present: &Delegation,
        change: &Change,
    ) -> Result<Option<Task>, RegistrarError>;

    /// Only for registrars whose tasks have numbers.
    async fn progress(&self, _domain: &DomainName, _task: &str) -> Result<Progress, RegistrarError> {
        Ok(Progress::Done)
    }
}
