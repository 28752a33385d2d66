//! Reads answers in our own words.

use std::collections::BTreeSet;

use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, Record, RecordType};

use crate::name::DomainName;
use crate::query::Reply;
use crate::record::{Caa, RecordKind, RecordSet, Records};

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
    let found: Vec<&Record> = of(reply, name, kind).collect();
    let texts: BTreeSet<String> = found.iter().map(|record| text(&record.data)).collect();
    RecordSet {
        name: name.clone(),
        ttl: found.iter().map(|record| record.ttl).min().unwrap_or_default(),
        records: Records::read(kind.to_string().as_str().into(), &texts),
    }
}

/// The records of one name and kind in an answer.
pub(super) fn of<'a>(
    reply: &'a Reply,
    name: &DomainName,
    kind: RecordType,
) -> impl Iterator<Item = &'a Record> {
    let name = name.absolute();
    let answers = reply.answers().iter();
    answers.filter(move |record| {
        record.record_type() == kind && record.name.to_ascii().eq_ignore_ascii_case(&name)
    })
}

/// Keys that may sign the zone.
pub(super) fn keys(reply: &Reply) -> Vec<DNSKEY> {
    let keys = reply.answers().iter().filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key.clone()),
        _ => None,
    });
    keys.filter(|key| key.zone_key() && !key.revoke()).collect()
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
