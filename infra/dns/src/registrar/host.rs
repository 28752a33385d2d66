//! What every host of a delegation can do for us.

use std::fmt;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use sovereign_core::registrar::RegistrarKind;

use super::delegation::{Delegation, Target};
use super::error::RegistrarError;
use crate::name::DomainName;

/// What a host can do. What it cannot has to be done by hand, see [`super::manual_steps`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_excessive_bools, reason = "a list of independent abilities")]
pub struct Capabilities {
    /// Name servers can be set.
    pub ns: bool,
    /// Keys can be set, as digests.
    pub ds_digest: bool,
    /// Keys can be set, as the keys themselves; the registrar makes the digests.
    pub ds_dnskey: bool,
    /// Addresses of name servers inside the domain can be set.
    pub glue: bool,
    /// Name servers and keys change in one step, or not at all.
    pub atomic_ns_ds: bool,
    /// A change is accepted first and done later.
    pub is_async: bool,
    /// The domain can be given back to the provider's own servers.
    pub revert_to_default: bool,
}

impl Capabilities {
    /// Whether keys can be set in any form.
    pub fn ds(self) -> bool {
        self.ds_digest || self.ds_dnskey
    }
}

/// A change that was accepted, as it is kept until it is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// The registrar's number for it; without one it is followed by reading the delegation.
    pub id: Option<String>,
}

/// What came of asking for a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submitted {
    /// It was so already; nothing was written.
    Unchanged,
    /// Written, and read back.
    Applied(Box<Delegation>),
    /// Accepted; [`ParentHost::progress`] tells when it is done.
    Pending(Task),
}

/// How far an accepted change is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// The registrar shows what was asked for. Only the parent's own servers prove that the world sees it.
    Done,
    /// Not yet; what was seen last.
    Running(String),
    /// It will not come; why.
    Failed(String),
}

/// Who can change what a parent says of a domain: a registrar, or the host of the parent zone.
///
/// # Guarantees
/// - Nothing but the name servers, keys and glue of the one domain is ever changed, and nothing is deleted beyond them.
/// - `set` reads first. It writes only if the domain is as `expected`, or on the way from there to `target` as an interrupted
///   `set` leaves it; otherwise it fails with [`super::Cause::Changed`]. If `target` is met already, nothing is written.
/// - So `set` may be repeated with the same arguments after any error, and by another process.
/// - The credential appears in no error, no log and no URL.
#[async_trait]
pub trait ParentHost: fmt::Debug + Send + Sync {
    /// Who it is.
    fn kind(&self) -> RegistrarKind;

    /// What it can do.
    fn capabilities(&self) -> Capabilities;

    /// Proves that the credential is good and the domain is in its reach, as far as that can be told without writing.
    async fn check_access(&self, domain: &DomainName) -> Result<(), RegistrarError>;

    /// What the parent says now, by the host's own record.
    async fn read(&self, domain: &DomainName) -> Result<Delegation, RegistrarError>;

    /// Brings the delegation from `expected` to `target`.
    async fn set(
        &self,
        domain: &DomainName,
        expected: &Delegation,
        target: &Target,
    ) -> Result<Submitted, RegistrarError>;

    /// How far a change towards `target` is that [`ParentHost::set`] left pending.
    async fn progress(
        &self,
        domain: &DomainName,
        task: &Task,
        target: &Target,
    ) -> Result<Progress, RegistrarError>;
}
