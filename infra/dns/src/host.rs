//! What every authoritative name server can do for us.

use std::fmt;
use std::net::SocketAddr;

use async_trait::async_trait;
use secrecy::SecretString;

use crate::error::DnsError;
use crate::name::DomainName;
use crate::record::Ds;
use crate::transfer::TransferHost;
use crate::zone::{Change, MarkedSet, Zone, ZoneMark, ZoneRequest, ZoneSettings};

/// A release of the server's software: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u16, pub u16, pub u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What a server can do beyond the verbs of [`ZoneHost`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Single records can be added and removed without naming the rest of their set.
    pub single_records: bool,
    /// Catalog zones tell secondaries which zones there are (RFC 9432).
    pub catalog_zones: bool,
    /// Signalling zones let a parent trust a new child's keys (RFC 9615).
    pub signalling_zones: bool,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerFacts {
    /// Its release; none for a development build.
    pub version: Option<Version>,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Where it answers queries, as seen from here.
    pub answers_at: Vec<SocketAddr>,
}

/// A key that signs a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ZoneKey {
    /// The server's number for it.
    pub id: u64,
    /// Whether it signs.
    pub active: bool,
    /// Its public half, as the data of a DNSKEY record.
    pub dnskey: String,
    /// What a parent is to publish of it, by SHA-256.
    pub ds: Vec<Ds>,
}

/// How a new zone comes by its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// The server makes one; the zone is signed before it answers for the first time.
    OwnKey,
    /// It gets the key of another server afterwards, see [`ZoneHost::import_key`].
    SharedKey,
}

/// A server, or several with one database, that zones can be made on.
///
/// # Guarantees
/// - `create` makes the zone complete, or not at all, with one request. It is never sent twice: where it is unknown whether it
///   had its effect the error is [`crate::ErrorClass::Unsettled`], and [`Zone::is_of`] tells afterwards whose zone is there.
/// - All changes of one `change` happen together or not at all.
/// - `delete` of a zone that does not exist is success.
/// - The credential and private keys appear in no error and no log.
#[async_trait]
pub trait ZoneHost: TransferHost + fmt::Debug {
    /// Its address, for people.
    fn name(&self) -> &str;

    /// What the server says of itself. Success proves that the address and the credential are right.
    async fn facts(&self) -> Result<ServerFacts, DnsError>;

    /// The zone of that name, whoever owns it.
    async fn find(&self, zone: &DomainName) -> Result<Option<Zone>, DnsError>;

    /// Record sets of a zone, of one name or of all, with their marks; none if there is no such zone.
    async fn sets(
        &self,
        zone: &DomainName,
        at: Option<&DomainName>,
    ) -> Result<Option<Vec<MarkedSet>>, DnsError>;

    /// Every zone with its owner; that is empty if the zone bears no mark.
    async fn zones(&self) -> Result<Vec<(DomainName, String)>, DnsError>;

    /// The zone's records as the text of a zone file, without its keys.
    async fn export(&self, zone: &DomainName) -> Result<String, DnsError>;

    /// Names of all zones that bear a mark.
    async fn zones_of(&self, mark: &ZoneMark) -> Result<Vec<DomainName>, DnsError>;

    /// Makes a zone; [`crate::ErrorClass::Taken`] if there is one of that name.
    async fn create(&self, request: &ZoneRequest, serial: u32, signing: Signing) -> Result<Zone, DnsError>;

    /// Changes record sets.
    async fn change(&self, zone: &DomainName, changes: &[Change]) -> Result<(), DnsError>;

    /// Signs the zone if it is not signed, and sets right what else is missing of its settings.
    async fn complete_settings(&self, zone: &DomainName, present: ZoneSettings) -> Result<(), DnsError>;

    /// Removes a zone with its keys.
    async fn delete(&self, zone: &DomainName) -> Result<(), DnsError>;

    /// Makes the server forget what it has answered for a name, such as that there is none, before a zone was made.
    async fn forget_answers(&self, name: &DomainName) -> Result<(), DnsError>;

    /// The zone's keys.
    async fn keys(&self, zone: &DomainName) -> Result<Vec<ZoneKey>, DnsError>;

    /// Has the server make another key that signs the zone beside those there are. Never sent twice, as `create`.
    async fn make_key(&self, zone: &DomainName) -> Result<(), DnsError>;

    /// Removes a key; a missing one is success.
    async fn delete_key(&self, zone: &DomainName, id: u64) -> Result<(), DnsError>;

    /// The private half of a key.
    async fn export_key(&self, zone: &DomainName, id: u64) -> Result<SecretString, DnsError>;

    /// Makes the zone sign with the key of another server.
    async fn import_key(&self, zone: &DomainName, key: &SecretString) -> Result<(), DnsError>;
}
