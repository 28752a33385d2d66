//! What servers were seen to say, in our own words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use hickory_proto::rr::Record;
use serde::Serialize;

use super::failure::{Failure, Outcome};
use crate::name::DomainName;
use crate::record::Ds;

/// One address of a name server.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerAt {
    /// Its name; empty for a root that is known by address only.
    pub name: String,
    /// The address.
    pub address: IpAddr,
}

impl fmt::Display for ServerAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.is_empty() {
            write!(f, "{}", self.address)
        } else {
            write!(f, "{} {}", self.name, self.address)
        }
    }
}

/// Name servers of a zone, as one answer names them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NsSet {
    /// Their names.
    pub names: BTreeSet<DomainName>,
    /// How long they may be cached, in seconds.
    pub ttl: u32,
    /// Addresses that came along and that the answering server may speak for.
    pub glue: BTreeMap<DomainName, BTreeSet<IpAddr>>,
    /// Longest time that such an address may be cached, in seconds.
    pub glue_ttl: u32,
    /// Names that no host can have, as they were written.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unreadable: BTreeSet<String>,
}

/// Start of a zone of authority, as one server has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SoaSeen {
    /// Its serial.
    pub serial: u32,
    /// How long it may be cached, in seconds.
    pub ttl: u32,
    /// How long the absence of a name may be cached, in seconds: the lesser of its TTL and its minimum (RFC 2308 section 5).
    pub negative_ttl: u32,
    /// The server understands EDNS.
    pub edns: bool,
    /// The server offers to ask others.
    pub recursion: bool,
}

/// A key of a zone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeySeen {
    /// Its tag.
    pub tag: u16,
    /// Number of its algorithm.
    pub algorithm: u8,
    /// Whether a parent is meant to vouch for it.
    pub entry_point: bool,
}

/// Keys of a zone as one server has them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct KeysSeen {
    /// The keys, those that are revoked left out.
    pub keys: Vec<KeySeen>,
    /// How long they may be cached, in seconds.
    pub ttl: u32,
}

/// What a server of the parent zone says about the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum ParentSays {
    /// It is delegated.
    Delegates(NsSet),
    /// It is answered for by this server, too, which so does not show what it delegates to.
    HoldsIt(NsSet),
    /// There is such a name, and it is not delegated.
    NotDelegated,
    /// There is no such name.
    NoSuchName,
    /// Nothing usable.
    Fails {
        /// Why.
        failure: Failure,
    },
}

/// What a server of the parent zone says about the keys of the name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum DsSeen {
    /// These are vouched for.
    Present {
        /// The records.
        ds: Vec<Ds>,
        /// How long they may be cached, in seconds.
        ttl: u32,
    },
    /// None is.
    Absent,
    /// It was not asked, or did not say.
    Unknown,
}

/// A server of the parent zone at one address.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentServer {
    /// Which.
    pub server: ServerAt,
    /// What it says about the name.
    pub says: ParentSays,
    /// What it says about its keys.
    pub ds: DsSeen,
    /// Milliseconds to its answer.
    pub millis: u64,
    /// Records about DS, with their signatures.
    #[serde(skip)]
    pub(crate) proof: Vec<Record>,
}

/// A server of the zone at one address.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ZoneServer {
    /// Which.
    pub server: ServerAt,
    /// Start of authority, asked over UDP.
    pub soa: Outcome<SoaSeen>,
    /// Name servers, asked over UDP.
    pub ns: Outcome<NsSet>,
    /// Keys, asked over TCP, and over UDP if that fails.
    pub keys: Outcome<KeysSeen>,
    /// What came of TCP.
    pub tcp: Outcome<()>,
    /// It answers a question without EDNS, having failed with it.
    pub only_without_edns: bool,
    /// Milliseconds to its first answer.
    pub millis: u64,
    /// All records of its answers, with their signatures.
    #[serde(skip)]
    pub(crate) records: Vec<Record>,
}

/// A name server of the zone by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NameServer {
    /// Its name.
    pub name: DomainName,
    /// Its name lies in the zone, so that the parent has to give its addresses along.
    pub in_zone: bool,
    /// The parent names it.
    pub at_parent: bool,
    /// Addresses that the parent gives along.
    pub glue: BTreeSet<IpAddr>,
    /// Its addresses by the servers in charge of its name.
    pub addresses: Outcome<BTreeSet<IpAddr>>,
    /// How long those may be cached, in seconds.
    pub ttl: u32,
}

/// What a public resolver says. Information only: it may be old, and says nothing about others.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ResolverView {
    /// Its address.
    pub resolver: IpAddr,
    /// The name servers it knows.
    pub ns: Outcome<NsSet>,
    /// It says that it has proven them.
    pub authentic: bool,
}
