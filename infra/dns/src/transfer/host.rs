//! What a name server can do about transfers.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::DnsError;
use crate::name::DomainName;
use crate::zone::ZoneMark;

/// The part a server has in a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It has the zone for itself.
    Native,
    /// It gives it to others.
    Primary,
    /// It has it from another.
    Secondary,
    /// It gives a catalog of zones to others.
    Producer,
    /// It has a catalog from another, and the zones that are in it.
    Consumer,
}

/// How a zone comes to a server, and from it to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distribution {
    /// The server's part.
    pub role: Role,
    /// TSIG keys of the transfers: those that open the zone, or those that it is fetched with.
    pub keys: BTreeSet<DomainName>,
    /// Who is told of changes, beside the zone's name servers.
    pub notifies: BTreeSet<SocketAddr>,
    /// Where it is fetched from.
    pub primaries: BTreeSet<SocketAddr>,
    /// The catalog that it is a member of.
    pub catalog: Option<DomainName>,
}

impl Distribution {
    /// Neither given nor taken.
    pub fn native() -> Self {
        Self {
            role: Role::Native,
            keys: BTreeSet::new(),
            notifies: BTreeSet::new(),
            primaries: BTreeSet::new(),
            catalog: None,
        }
    }
}

/// What a server's configuration lets it do; no API changes that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TransferFacts {
    /// It tells others of changes.
    pub sends_notify: bool,
    /// It signs what it tells, with the first key of a zone whoever is told.
    pub signs_notify: bool,
    /// It fetches zones from others.
    pub fetches: bool,
}

/// A shared key of two servers.
#[derive(Debug, Clone)]
pub struct TsigKey {
    /// Its name, part of every signature.
    pub name: DomainName,
    /// For example `hmac-sha256`.
    pub algorithm: String,
    /// The key in base64.
    pub secret: SecretString,
}

/// What a name server can do about transfers.
///
/// # Guarantees
/// - Every call but `create_bare` and `make_tsig_key` may be repeated.
/// - No secret of a key appears in an error or a log.
#[async_trait]
pub trait TransferHost: Send + Sync {
    /// What its configuration lets it do.
    async fn transfer_facts(&self) -> Result<TransferFacts, DnsError>;

    /// The key of that name.
    async fn tsig_key(&self, name: &DomainName) -> Result<Option<TsigKey>, DnsError>;

    /// Has the server make a key; [`crate::ErrorClass::Taken`] if there is one of that name.
    async fn make_tsig_key(&self, name: &DomainName) -> Result<(), DnsError>;

    /// Gives it the key of another server, in place of one of that name.
    async fn take_tsig_key(&self, key: &TsigKey) -> Result<(), DnsError>;

    /// Makes a zone without content of ours: it comes from another server, or, of a catalog, from this one.
    async fn create_bare(
        &self,
        zone: &DomainName,
        mark: &ZoneMark,
        distribution: &Distribution,
    ) -> Result<(), DnsError>;

    /// Sets how a zone comes to the server and from it to others. Membership in a catalog is the primary's to say.
    async fn distribute(
        &self,
        zone: &DomainName,
        mark: &ZoneMark,
        distribution: &Distribution,
    ) -> Result<(), DnsError>;

    /// Tells the secondaries of a zone that it changed.
    async fn notify(&self, zone: &DomainName) -> Result<(), DnsError>;

    /// Has a secondary fetch a zone.
    async fn retrieve(&self, zone: &DomainName) -> Result<(), DnsError>;
}
