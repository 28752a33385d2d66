//! Proof that a parent vouches for none of a zone's keys (RFC 4035 section 5.2, RFC 5155 section 8.9).

use hickory_proto::dnssec::Nsec3HashAlgorithm;
use hickory_proto::dnssec::rdata::{DNSSECRData, NSEC3};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use serde::Serialize;

use crate::name::DomainName;
use crate::signature::{self, ZoneKeys};

/// Most iterations of NSEC3 that are counted through; more is not validated (RFC 9276 section 3.2).
const MAX_ITERATIONS: u16 = 150;

/// How sure it is that there is no DS record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum Denial {
    /// The parent's signature says so.
    Proven {
        /// By which record.
        by: &'static str,
    },
    /// There was an answer that denies it, and its proof does not hold or is of a form that is not checked here.
    NotValidated {
        /// Why.
        why: String,
    },
}

/// Looks for the proof among records of an answer of the parent.
pub(super) fn no_ds(records: &[Record], zone: &DomainName, parent: &ZoneKeys, now: u32) -> Denial {
    let mut why = "the answer has no proof in it".to_owned();
    for record in records {
        let checked = match &record.data {
            RData::DNSSEC(DNSSECRData::NSEC(nsec)) => {
                if DomainName::from_wire(&record.name).as_ref() != Some(zone) {
                    continue;
                }
                denies(nsec.type_bit_maps()).map(|()| "NSEC")
            }
            RData::DNSSEC(DNSSECRData::NSEC3(nsec3)) => hashed(record, nsec3, zone, &parent.zone),
            _ => continue,
        };
        let checked = checked.and_then(|by| {
            let owner = DomainName::from_wire(&record.name).ok_or("its owner is no name")?;
            signature::verify_own(records, &owner, record.record_type(), parent, now)
                .map(|_| by)
                .map_err(|problem| problem.to_string())
        });
        match checked {
            Ok(by) => return Denial::Proven { by },
            Err(problem) => why = format!("{}: {problem}", record.record_type()),
        }
    }
    Denial::NotValidated { why }
}

/// The parent's side of a cut has NS, and neither DS nor the SOA of the child's side.
fn denies(kinds: impl Iterator<Item = RecordType>) -> Result<(), String> {
    let kinds: Vec<RecordType> = kinds.collect();
    if kinds.contains(&RecordType::DS) {
        return Err("it says that there is a DS record".to_owned());
    }
    if kinds.contains(&RecordType::SOA) {
        return Err("it comes from the zone itself".to_owned());
    }
    if kinds.contains(&RecordType::NS) {
        Ok(())
    } else {
        Err("it says that there is no delegation".to_owned())
    }
}

fn hashed(
    record: &Record,
    nsec3: &NSEC3,
    zone: &DomainName,
    parent: &DomainName,
) -> Result<&'static str, String> {
    if nsec3.iterations() > MAX_ITERATIONS {
        return Err(format!("{} iterations are too many", nsec3.iterations()));
    }
    let owner = owner_hash(record, parent).ok_or("its owner is no hash in the parent")?;
    let wanted = hash(nsec3, zone).ok_or("the name cannot be hashed")?;
    if owner == wanted {
        return denies(nsec3.type_bit_maps()).map(|()| "NSEC3");
    }
    let next = base32(nsec3.next_hashed_owner_name());
    if !lies_between(&owner, &next, &wanted) {
        return Err("it speaks of another name".to_owned());
    }
    if !nsec3.opt_out() {
        return Err("it says that there is no such name".to_owned());
    }
    // The proof names the closest zone above, too; for a name right below the parent's apex that is the apex, which is there.
    if zone.parent().as_ref() == Some(parent) {
        Ok("NSEC3 with opt-out")
    } else {
        Err("opt-out below an inner name is not checked".to_owned())
    }
}

fn owner_hash(record: &Record, parent: &DomainName) -> Option<String> {
    let owner = DomainName::from_wire(&record.name)?;
    (owner.parent().as_ref() == Some(parent)).then(|| owner.labels().next().map(str::to_owned))?
}

fn hash(nsec3: &NSEC3, zone: &DomainName) -> Option<String> {
    let name = Name::from_ascii(zone.absolute()).ok()?;
    let digest = Nsec3HashAlgorithm::SHA1.hash(nsec3.salt(), &name, nsec3.iterations());
    Some(base32(digest.ok()?.as_ref()))
}

/// The last record of a zone reaches round to the first.
fn lies_between(owner: &str, next: &str, name: &str) -> bool {
    if owner < next {
        owner < name && name < next
    } else {
        owner < name || name < next
    }
}

/// Base 32 with extended hex alphabet, without padding (RFC 4648 section 7).
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    let (mut buffer, mut bits) = (0_u32, 0);
    for byte in bytes {
        buffer = (buffer << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(ALPHABET[(buffer >> bits & 31) as usize].into());
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(ALPHABET[(buffer << (5 - bits) & 31) as usize].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base32_is_that_of_the_rfc() {
        for (bytes, text) in [
            ("", ""),
            ("f", "co"),
            ("fo", "cpng"),
            ("foo", "cpnmu"),
            ("foobar", "cpnmuoj1e8"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn the_last_hash_reaches_round() {
        assert!(lies_between("b", "d", "c") && !lies_between("b", "d", "d") && !lies_between("b", "d", "a"));
        assert!(lies_between("x", "b", "z") && lies_between("x", "b", "a") && !lies_between("x", "b", "m"));
    }

    #[test]
    fn a_cut_without_ds_is_not_the_apex_of_the_child() {
        use RecordType as T;
        assert!(denies([T::NS, T::RRSIG, T::NSEC].into_iter()).is_ok());
        assert!(denies([T::NS, T::DS].into_iter()).is_err());
        assert!(denies([T::NS, T::SOA].into_iter()).is_err());
        assert!(denies([T::A].into_iter()).is_err());
    }
}
