//! Reads answers in our own words.

use std::collections::BTreeSet;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::name::DomainName;
use crate::query::{self, Reply};
use crate::record::{Caa, Dnskey, Ds, RecordKind, RecordSet, Records};

/// The mnemonic of a response code.
pub(super) fn code(code: ResponseCode) -> String {
    match code {
        ResponseCode::NXDomain => "NXDOMAIN (no such name)".to_owned(),
        ResponseCode::Refused => "REFUSED (the server does not have the zone)".to_owned(),
        ResponseCode::ServFail => "SERVFAIL (the server failed)".to_owned(),
        other => other.to_str().to_owned(),
    }
}

/// The kind as a question carries it; none for a kind that nobody can ask for.
pub(super) fn wire_kind(kind: &RecordKind) -> Option<RecordType> {
    kind.as_str().parse().ok()
}

/// The records of one name and kind in an answer. The shortest time to live counts.
pub(super) fn records(reply: &Reply, name: &DomainName, kind: RecordType) -> RecordSet {
    let found: Vec<&Record> = query::of(reply.answers(), name, kind).collect();
    let texts: BTreeSet<String> = found.iter().map(|record| text(&record.data)).collect();
    RecordSet {
        name: name.clone(),
        ttl: found.iter().map(|record| record.ttl).min().unwrap_or_default(),
        records: Records::read(kind.to_string().as_str().into(), &texts),
    }
}

/// The DS records that CDS or CDNSKEY records lead to (RFC 7344 section 3), in order. What cannot be read leads to none.
pub(super) fn told_keys(reply: &Reply, zone: &DomainName, kind: RecordType) -> Vec<Ds> {
    let texts = query::of(reply.answers(), zone, kind).map(|record| record.data.to_string());
    let read = |text: String| match kind {
        RecordType::CDNSKEY => text.parse::<Dnskey>().and_then(|key| key.ds(zone)),
        _ => text.parse::<Ds>(),
    };
    let told: BTreeSet<Ds> = texts.filter_map(|text| read(text).ok()).collect();
    told.into_iter().collect()
}

/// Things in a row; `nothing` for none.
pub(super) fn list<T: ToString>(things: &[T]) -> String {
    let texts: Vec<String> = things.iter().map(ToString::to_string).collect();
    if texts.is_empty() {
        "nothing".to_owned()
    } else {
        texts.join(", ")
    }
}

fn text(data: &RData) -> String {
    if let RData::CAA(caa) = data {
        let value = String::from_utf8_lossy(&caa.value);
        if let Ok(caa) = Caa::new(caa.issuer_critical, &caa.tag, &value) {
            return caa.to_string();
        }
    }
    data.to_string()
}
