//! Signatures of answers (RFC 4035 section 5.3).

use std::fmt::Write as _;

use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, RRSIG};
use hickory_proto::dnssec::{DigestType, PublicKey as _, Verifier as _};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType, SerialNumber};
use thiserror::Error;

use super::answer;
use crate::name::DomainName;
use crate::query::Reply;
use crate::record::Ds;

/// Why no signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum SignatureProblem {
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Signed by a key that the zone does not have.
    #[error("it is signed by key {0}, which the zone does not have")]
    UnknownKey(u16),
    /// Not yet or no longer valid.
    #[error("its signature is not valid at this time; clocks may differ")]
    Time,
    /// Made over other data, or by another key.
    #[error("its signature by key {0} is wrong")]
    Wrong(u16),
}

/// Proves that records of an answer are signed by one of the zone's keys, at a time in seconds since 1970.
pub(super) fn verify(
    reply: &Reply,
    name: &DomainName,
    kind: RecordType,
    keys: &[DNSKEY],
    now: u32,
) -> Result<(), SignatureProblem> {
    let mut problem = SignatureProblem::Unsigned;
    for record in answer::of(reply, name, RecordType::RRSIG) {
        let RData::DNSSEC(DNSSECRData::RRSIG(signature)) = &record.data else {
            continue;
        };
        if signature.input().type_covered != kind {
            continue;
        }
        match holds(signature, reply, name, &record.name, keys, now) {
            Ok(()) => return Ok(()),
            Err(found) => problem = found,
        }
    }
    Err(problem)
}

fn holds(
    signature: &RRSIG,
    reply: &Reply,
    name: &DomainName,
    owner: &Name,
    keys: &[DNSKEY],
    now: u32,
) -> Result<(), SignatureProblem> {
    let input = signature.input();
    let now = SerialNumber::new(now);
    if now < input.sig_inception || now > input.sig_expiration {
        return Err(SignatureProblem::Time);
    }
    let mut problem = SignatureProblem::UnknownKey(input.key_tag);
    for key in keys
        .iter()
        .filter(|key| key.calculate_key_tag().is_ok_and(|tag| tag == input.key_tag))
    {
        let records = answer::of(reply, name, input.type_covered);
        if key.verify_rrsig(owner, DNSClass::IN, signature, records).is_ok() {
            return Ok(());
        }
        problem = SignatureProblem::Wrong(input.key_tag);
    }
    Err(problem)
}

/// Whether one of the keys is the one that a DS record vouches for.
pub(super) fn fits(ds: &Ds, zone: &DomainName, keys: &[DNSKEY]) -> bool {
    let Ok(zone) = Name::from_ascii(zone.absolute()) else {
        return false;
    };
    let kind = DigestType::from(ds.digest_kind);
    keys.iter().any(|key| {
        u8::from(key.public_key().algorithm()) == ds.algorithm
            && key.calculate_key_tag().is_ok_and(|tag| tag == ds.key_tag)
            && key
                .to_digest(&zone, kind)
                .is_ok_and(|digest| hex(digest.as_ref()) == ds.digest)
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
