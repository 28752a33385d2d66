//! What an answer means for somebody who walks down from the root.

use std::collections::BTreeSet;
use std::net::IpAddr;

use hickory_proto::dnssec::PublicKey as _;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record, RecordType};

use super::exchange::code;
use super::failure::Failure;
use super::limits::{MAX_ADDRESSES, MAX_NAMES};
use super::seen::{DsSeen, KeySeen, KeysSeen, NsSet, SoaSeen};
use crate::name::DomainName;
use crate::query::{self, Reply};
use crate::record::Ds;
use crate::signature::ZoneKeys;

/// What an answer means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// The name lies in a zone below, whose servers these are.
    Referral(DomainName, NsSet),
    /// There are such records.
    Answer,
    /// The name stands for another one.
    Alias(String),
    /// There is such a name, and it has no such records.
    NoData,
    /// There is no such name.
    NoName,
    /// It leads nowhere.
    Lame(Failure),
}

/// Reads the answer of a server of `zone` to a question about `name`.
pub(super) fn meaning(reply: &Reply, zone: &DomainName, name: &DomainName, kind: RecordType) -> Meaning {
    match reply.code() {
        ResponseCode::NoError => {}
        ResponseCode::NXDomain if reply.is_authoritative() => return Meaning::NoName,
        ResponseCode::NXDomain => return Meaning::Lame(Failure::NotAuthoritative),
        other => return Meaning::Lame(Failure::Code { code: code(other) }),
    }
    let has_answer = query::of(reply.answers(), name, kind).next().is_some();
    if let Some(cut) = cut(reply).filter(|_| !has_answer && !reply.is_authoritative()) {
        return referral(reply, zone, name, &cut);
    }
    if !reply.is_authoritative() {
        return Meaning::Lame(Failure::NotAuthoritative);
    }
    if has_answer {
        return Meaning::Answer;
    }
    let alias = query::of(reply.answers(), name, RecordType::CNAME).find_map(|record| match &record.data {
        RData::CNAME(alias) => Some(alias.0.to_ascii()),
        _ => None,
    });
    alias.map_or(Meaning::NoData, Meaning::Alias)
}

/// Owner of the name servers in the authority section.
fn cut(reply: &Reply) -> Option<DomainName> {
    let mut servers = reply.authorities().iter();
    let server = servers.find(|record| record.record_type() == RecordType::NS)?;
    DomainName::from_wire(&server.name)
}

/// A referral leads from the zone strictly down towards the name, so that a walk cannot go round.
fn referral(reply: &Reply, zone: &DomainName, name: &DomainName, cut: &DomainName) -> Meaning {
    if cut == zone || !cut.is_within(zone) || !name.is_within(cut) {
        let to = cut.to_string();
        return Meaning::Lame(Failure::RefersElsewhere { to });
    }
    Meaning::Referral(cut.clone(), ns(reply, reply.authorities(), zone, cut))
}

/// Name servers of a zone in one section of an answer, with what addresses a server of `speaker` may give along.
pub(super) fn ns(reply: &Reply, section: &[Record], speaker: &DomainName, zone: &DomainName) -> NsSet {
    let mut set = NsSet::default();
    for record in query::of(section, zone, RecordType::NS) {
        let RData::NS(target) = &record.data else { continue };
        set.ttl = set.ttl.max(record.ttl);
        match DomainName::from_wire(&target.0).filter(DomainName::is_host) {
            Some(name) if set.names.len() < MAX_NAMES => {
                set.names.insert(name);
            }
            None if set.unreadable.len() < MAX_NAMES => {
                set.unreadable.insert(target.0.to_ascii());
            }
            Some(_) | None => {}
        }
    }
    for name in set
        .names
        .clone()
        .into_iter()
        .filter(|name| name.is_within(speaker))
    {
        let (addresses, ttl) = addresses(reply.additionals(), &name);
        if !addresses.is_empty() {
            set.glue_ttl = set.glue_ttl.max(ttl);
            set.glue.insert(name, addresses);
        }
    }
    set
}

/// Addresses of a host in a section, with the longest time that they may be cached.
pub(super) fn addresses(section: &[Record], host: &DomainName) -> (BTreeSet<IpAddr>, u32) {
    let (mut found, mut ttl) = (BTreeSet::new(), 0);
    for kind in [RecordType::A, RecordType::AAAA] {
        for record in query::of(section, host, kind).take(MAX_ADDRESSES) {
            match &record.data {
                RData::A(address) => found.insert(IpAddr::V4(address.0)),
                RData::AAAA(address) => found.insert(IpAddr::V6(address.0)),
                _ => false,
            };
            ttl = ttl.max(record.ttl);
        }
    }
    (found, ttl)
}

/// The start of authority in an answer about it, or in one that says no.
pub(super) fn soa(reply: &Reply, zone: &DomainName) -> Option<SoaSeen> {
    let mut records = query::of(reply.answers(), zone, RecordType::SOA).chain(query::of(
        reply.authorities(),
        zone,
        RecordType::SOA,
    ));
    records.find_map(|record| match &record.data {
        RData::SOA(soa) => Some(SoaSeen {
            serial: soa.serial,
            ttl: record.ttl,
            negative_ttl: record.ttl.min(soa.minimum),
            edns: reply.has_edns(),
            recursion: reply.offers_recursion(),
        }),
        _ => None,
    })
}

/// What an answer of the parent says about the keys of a zone.
pub(super) fn ds(records: &[Record], zone: &DomainName) -> DsSeen {
    let found: Vec<&Record> = query::of(records, zone, RecordType::DS).collect();
    let ttl = found.iter().map(|record| record.ttl).max().unwrap_or_default();
    let ds: BTreeSet<Ds> = found.iter().filter_map(|record| own_ds(&record.data)).collect();
    if !ds.is_empty() {
        let ds = ds.into_iter().collect();
        return DsSeen::Present { ds, ttl };
    }
    if records.iter().any(is_denial) {
        DsSeen::Absent
    } else {
        DsSeen::Unknown
    }
}

fn own_ds(data: &RData) -> Option<Ds> {
    let RData::DNSSEC(DNSSECRData::DS(ds)) = data else {
        return None;
    };
    Some(Ds {
        key_tag: ds.key_tag(),
        algorithm: ds.algorithm().into(),
        digest_kind: ds.digest_type().into(),
        digest: crate::signature::hex(ds.digest()),
    })
}

fn is_denial(record: &Record) -> bool {
    matches!(record.record_type(), RecordType::NSEC | RecordType::NSEC3)
}

/// The records of an answer that say something about DS: they themselves, or what denies them, with signatures.
pub(super) fn ds_proof(reply: &Reply) -> Vec<Record> {
    let records = reply.answers().iter().chain(reply.authorities());
    let kinds = [
        RecordType::DS,
        RecordType::NSEC,
        RecordType::NSEC3,
        RecordType::RRSIG,
    ];
    records
        .filter(|record| kinds.contains(&record.record_type()))
        .cloned()
        .collect()
}

/// The keys in an answer.
pub(super) fn keys(records: &[Record], zone: &DomainName) -> KeysSeen {
    let ttl = query::of(records, zone, RecordType::DNSKEY).map(|record| record.ttl);
    let ttl = ttl.max().unwrap_or_default();
    let mut keys: Vec<KeySeen> = ZoneKeys::read(zone, records)
        .keys
        .iter()
        .filter_map(key)
        .collect();
    keys.sort();
    keys.dedup();
    KeysSeen { keys, ttl }
}

fn key(key: &DNSKEY) -> Option<KeySeen> {
    Some(KeySeen {
        tag: key.calculate_key_tag().ok()?,
        algorithm: key.public_key().algorithm().into(),
        entry_point: key.secure_entry_point(),
    })
}

/// An answer in one line.
pub(super) fn line(reply: &Reply) -> String {
    let mut words = vec![code(reply.code())];
    let flags = [
        (reply.is_authoritative(), "aa"),
        (reply.is_truncated(), "tc"),
        (reply.offers_recursion(), "ra"),
        (reply.is_authentic(), "ad"),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, flag)| (*flag).to_owned()),
    );
    let sections = [(reply.answers(), "answer"), (reply.authorities(), "authority")];
    for (section, title) in sections.iter().filter(|(section, _)| !section.is_empty()) {
        let shown = section
            .iter()
            .filter(|record| record.record_type() != RecordType::RRSIG);
        let mut texts: Vec<String> = shown.take(8).map(record_text).collect();
        if section.len() > 8 {
            texts.push("...".to_owned());
        }
        words.push(format!("{title}: {}", texts.join(", ")));
    }
    words.join(" ")
}

/// Longest text of one record that is shown, in characters.
const SHOWN: usize = 80;

fn record_text(record: &Record) -> String {
    let data: String = record.data.to_string().chars().take(SHOWN).collect();
    let name = record.name.to_ascii();
    // Names come from strangers: what a terminal might take for a command is not shown as it is.
    let text = format!("{name} {} {data}", record.record_type());
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}
