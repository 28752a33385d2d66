//! Record sets, compared by what they mean rather than by how a server writes them.

mod caa;
mod dnskey;
mod ds;
mod lua;
mod soa;

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

pub use self::caa::Caa;
pub use self::dnskey::Dnskey;
pub use self::ds::Ds;
pub use self::lua::{LuaRecord, LuaRule};
pub use self::soa::Soa;
use crate::name::DomainName;

/// A text that is not data of its kind of record.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{text}` is not the data of {kind}")]
pub struct RecordTextError {
    /// What it was to be, with article, for example `a SOA record`.
    pub kind: &'static str,
    /// The text.
    pub text: String,
}

/// Kind of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// IPv4 address.
    A,
    /// IPv6 address.
    Aaaa,
    /// Another name for the name.
    Cname,
    /// Name server.
    Ns,
    /// Start of authority.
    Soa,
    /// Who may issue certificates.
    Caa,
    /// Public key of the zone.
    Dnskey,
    /// Which key of a child the parent vouches for.
    Ds,
    /// Addresses that the server chooses when it is asked.
    Lua,
    /// Any other, by its mnemonic.
    Other(String),
}

impl RecordKind {
    /// Its mnemonic, for example `AAAA`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::A => "A",
            Self::Aaaa => "AAAA",
            Self::Cname => "CNAME",
            Self::Ns => "NS",
            Self::Soa => "SOA",
            Self::Caa => "CAA",
            Self::Dnskey => "DNSKEY",
            Self::Ds => "DS",
            Self::Lua => "LUA",
            Self::Other(mnemonic) => mnemonic,
        }
    }
}

impl From<&str> for RecordKind {
    fn from(mnemonic: &str) -> Self {
        match mnemonic {
            "A" => Self::A,
            "AAAA" => Self::Aaaa,
            "CNAME" => Self::Cname,
            "NS" => Self::Ns,
            "SOA" => Self::Soa,
            "CAA" => Self::Caa,
            "DNSKEY" => Self::Dnskey,
            "DS" => Self::Ds,
            "LUA" => Self::Lua,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The data of all records of one name and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// IPv4 addresses.
    A(BTreeSet<Ipv4Addr>),
    /// IPv6 addresses.
    Aaaa(BTreeSet<Ipv6Addr>),
    /// Name servers.
    Ns(BTreeSet<DomainName>),
    /// Start of authority.
    Soa(Soa),
    /// Who may issue certificates.
    Caa(BTreeSet<Caa>),
    /// Which keys of a child the parent vouches for.
    Ds(BTreeSet<Ds>),
    /// Addresses that the server chooses among, by a rule of ours.
    Lua(BTreeSet<LuaRecord>),
    /// Whatever has no form of its own here, as its texts.
    Other {
        /// Its kind.
        kind: RecordKind,
        /// One text a record.
        texts: BTreeSet<String>,
    },
}

impl Records {
    /// Reads the texts of a kind. What cannot be read is kept as it is, and equals nothing that was written by us.
    pub fn read(kind: RecordKind, texts: &BTreeSet<String>) -> Self {
        let typed = match kind {
            RecordKind::A => all(texts).map(Self::A),
            RecordKind::Aaaa => all(texts).map(Self::Aaaa),
            RecordKind::Ns => all(texts).map(Self::Ns),
            RecordKind::Caa => all(texts).map(Self::Caa),
            RecordKind::Ds => all(texts).map(Self::Ds),
            RecordKind::Lua => all(texts).map(Self::Lua),
            RecordKind::Soa if texts.len() == 1 => {
                texts.first().and_then(|text| text.parse().ok()).map(Self::Soa)
            }
            _ => None,
        };
        typed.unwrap_or_else(|| Self::Other {
            kind,
            texts: texts.clone(),
        })
    }

    /// Their kind.
    pub fn kind(&self) -> RecordKind {
        match self {
            Self::A(_) => RecordKind::A,
            Self::Aaaa(_) => RecordKind::Aaaa,
            Self::Ns(_) => RecordKind::Ns,
            Self::Soa(_) => RecordKind::Soa,
            Self::Caa(_) => RecordKind::Caa,
            Self::Ds(_) => RecordKind::Ds,
            Self::Lua(_) => RecordKind::Lua,
            Self::Other { kind, .. } => kind.clone(),
        }
    }

    /// The addresses that they lead to, or may lead to.
    pub fn addresses(&self) -> BTreeSet<IpAddr> {
        match self {
            Self::A(set) => set.iter().copied().map(IpAddr::V4).collect(),
            Self::Aaaa(set) => set.iter().copied().map(IpAddr::V6).collect(),
            Self::Lua(set) => set
                .iter()
                .flat_map(|record| record.addresses().iter().copied())
                .collect(),
            _ => BTreeSet::new(),
        }
    }

    /// One text a record, in the form of zone files with absolute names.
    pub fn texts(&self) -> Vec<String> {
        fn each<T: ToString>(set: &BTreeSet<T>) -> Vec<String> {
            set.iter().map(ToString::to_string).collect()
        }
        match self {
            Self::A(set) => each(set),
            Self::Aaaa(set) => each(set),
            Self::Ns(set) => set.iter().map(DomainName::absolute).collect(),
            Self::Soa(soa) => vec![soa.to_string()],
            Self::Caa(set) => each(set),
            Self::Ds(set) => each(set),
            Self::Lua(set) => each(set),
            Self::Other { texts, .. } => each(texts),
        }
    }

    /// Whether both say the same. The serial of a SOA record belongs to the server and does not count.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Soa(ours), Self::Soa(theirs)) => ours.with_serial(0) == theirs.with_serial(0),
            _ => self == other,
        }
    }
}

fn all<T: FromStr + Ord>(texts: &BTreeSet<String>) -> Option<BTreeSet<T>> {
    texts.iter().map(|text| text.parse().ok()).collect()
}

/// All records of one name and kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// Whose.
    pub name: DomainName,
    /// How long they may be cached, in seconds.
    pub ttl: u32,
    /// What they say.
    pub records: Records,
}

impl fmt::Display for RecordSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` {} = {}",
            self.name,
            self.records.kind(),
            self.records.texts().join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(kind: &str, texts: &[&str]) -> Records {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Records::read(kind.into(), &texts)
    }

    #[test]
    fn the_same_is_the_same_however_it_is_written() {
        assert_eq!(read("AAAA", &["2001:DB8:0:0::1"]), read("AAAA", &["2001:db8::1"]));
        assert_eq!(
            read("NS", &["NS2.a.example.", "ns1.a.example."]),
            read("NS", &["ns1.a.example", "ns2.a.example"])
        );
        assert_eq!(read("DS", &["1 13 2 00FF"]), read("DS", &["1 13 2 00ff"]));
        let soa = "ns1.a.example. hostmaster.a.example. 7 10800 3600 1209600 300";
        let later = soa.replace(" 7 ", " 8 ");
        assert!(read("SOA", &[soa]).says_the_same_as(&read("SOA", &[&later])));
        assert!(!read("SOA", &[soa]).says_the_same_as(&read("SOA", &[&later.replace("300", "301")])));
    }

    #[test]
    fn what_cannot_be_read_is_kept() {
        let odd = read("A", &["192.0.2.1", "not an address"]);
        assert_eq!(odd.kind(), RecordKind::A);
        assert_eq!(odd.texts(), ["192.0.2.1", "not an address"]);
        assert_ne!(odd, read("A", &["192.0.2.1"]));
        assert_eq!(read("TXT", &["\"v=spf1 -all\""]).texts(), ["\"v=spf1 -all\""]);
    }
}
