//! Signatures of record sets (RFC 4035 section 5.3).

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, RRSIG};
use hickory_proto::dnssec::{DigestType, PublicKey as _, Verifier as _};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType, SerialNumber};
use thiserror::Error;

use crate::name::DomainName;
use crate::query;
use crate::record::Ds;

/// Most signatures of a set that are tried, and most keys for each: a hostile zone may have thousands of both with one tag
/// (CVE-2023-50387).
const MAX_TRIES: usize = 4;

/// Signatures are to be renewed at least so long before they expire, in seconds.
pub(crate) const RENEWED: u32 = 3 * 86_400;

/// Why no signature holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(crate) enum SignatureProblem {
    /// There is no signature.
    #[error("it is not signed")]
    Unsigned,
    /// Signed by a key that the zone does not have.
    #[error("it is signed by key {0}, which the zone does not have")]
    UnknownKey(u16),
    /// Signed in the name of another zone.
    #[error("it is signed in the name of `{0}`")]
    OtherSigner(String),
    /// Not valid yet.
    #[error("its signature by key {key} is valid only in {}", span(*.seconds))]
    NotYet {
        /// Tag of the key.
        key: u16,
        /// Until it is valid.
        seconds: u32,
    },
    /// No longer valid.
    #[error("its signature by key {key} expired {} ago", span(*.seconds))]
    Expired {
        /// Tag of the key.
        key: u16,
        /// Since it expired.
        seconds: u32,
    },
    /// Made over other data, or by another key.
    #[error("its signature by key {0} is wrong")]
    Wrong(u16),
    /// Made for a wildcard, where only a record of that very name will do.
    #[error("its signature is that of a wildcard")]
    Wildcard,
    /// Made in a way that cannot be checked here.
    #[error("its signature uses algorithm {0}, which is not known here")]
    UnknownAlgorithm(u8),
}

/// The keys that may sign a zone.
#[derive(Debug, Clone)]
pub(crate) struct ZoneKeys {
    /// The zone.
    pub(crate) zone: DomainName,
    /// Its keys, without those that are revoked.
    pub(crate) keys: Vec<DNSKEY>,
}

impl ZoneKeys {
    /// The keys in an answer.
    pub(crate) fn read(zone: &DomainName, records: &[Record]) -> Self {
        let keys = query::of(records, zone, RecordType::DNSKEY).filter_map(|record| match &record.data {
            RData::DNSSEC(DNSSECRData::DNSKEY(key)) => Some(key.clone()),
            _ => None,
        });
        Self {
            zone: zone.clone(),
            keys: keys.filter(|key| key.zone_key() && !key.revoke()).collect(),
        }
    }

    /// Those that a DS record vouches for.
    pub(crate) fn vouched_for(&self, ds: &Ds) -> Self {
        let keys = self.keys.iter().filter(|key| is_key_of(ds, &self.zone, key));
        Self {
            zone: self.zone.clone(),
            keys: keys.cloned().collect(),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

/// A signature that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    /// Tag of the key.
    pub(crate) key: u16,
    /// Seconds until it expires.
    pub(crate) remaining: u32,
    /// Labels of the name that was signed; fewer than the name's own where a wildcard answered.
    pub(crate) labels: u8,
}

/// Proves that the records of a name and kind are signed by one of the zone's keys, at a time in seconds since 1970.
pub(crate) fn verify(
    records: &[Record],
    name: &DomainName,
    kind: RecordType,
    keys: &ZoneKeys,
    now: u32,
) -> Result<Holds, SignatureProblem> {
    let mut problem = SignatureProblem::Unsigned;
    let signatures = query::of(records, name, RecordType::RRSIG).filter_map(|record| match &record.data {
        RData::DNSSEC(DNSSECRData::RRSIG(signature)) if signature.input().type_covered == kind => {
            Some((signature, &record.name))
        }
        _ => None,
    });
    // Those that are valid now come first, so that many old ones do not hide one that holds.
    let mut signatures: Vec<(&RRSIG, &Name)> = signatures.collect();
    signatures.sort_by_key(|(signature, _)| in_time(signature, now).is_err());
    for (signature, owner) in signatures.into_iter().take(MAX_TRIES) {
        match holds(signature, records, name, owner, keys, now) {
            Ok(holds) => return Ok(holds),
            Err(found) => problem = worse(problem, found),
        }
    }
    Err(problem)
}

/// The same for records that no wildcard can stand for: those that keep a chain of trust together.
pub(crate) fn verify_own(
    records: &[Record],
    name: &DomainName,
    kind: RecordType,
    keys: &ZoneKeys,
    now: u32,
) -> Result<Holds, SignatureProblem> {
    let holds = verify(records, name, kind, keys, now)?;
    if usize::from(holds.labels) == name.labels().count() {
        Ok(holds)
    } else {
        Err(SignatureProblem::Wildcard)
    }
}

/// The problem of which a person learns more.
fn worse(one: SignatureProblem, other: SignatureProblem) -> SignatureProblem {
    if one == SignatureProblem::Unsigned {
        other
    } else {
        one
    }
}

/// Seconds until it expires.
fn in_time(signature: &RRSIG, now: u32) -> Result<u32, SignatureProblem> {
    let input = signature.input();
    let (at, key) = (SerialNumber::new(now), input.key_tag);
    if at < input.sig_inception {
        let seconds = input.sig_inception.get().wrapping_sub(now);
        return Err(SignatureProblem::NotYet { key, seconds });
    }
    if at > input.sig_expiration {
        let seconds = now.wrapping_sub(input.sig_expiration.get());
        return Err(SignatureProblem::Expired { key, seconds });
    }
    Ok(input.sig_expiration.get().wrapping_sub(now))
}

fn holds(
    signature: &RRSIG,
    records: &[Record],
    name: &DomainName,
    owner: &Name,
    keys: &ZoneKeys,
    now: u32,
) -> Result<Holds, SignatureProblem> {
    let input = signature.input();
    let remaining = in_time(signature, now)?;
    if DomainName::from_wire(&input.signer_name).as_ref() != Some(&keys.zone) {
        return Err(SignatureProblem::OtherSigner(input.signer_name.to_ascii()));
    }
    if !input.algorithm.is_supported() {
        return Err(SignatureProblem::UnknownAlgorithm(input.algorithm.into()));
    }
    let mut problem = SignatureProblem::UnknownKey(input.key_tag);
    let fitting = keys.keys.iter().filter(|key| {
        key.public_key().algorithm() == input.algorithm
            && key.calculate_key_tag().is_ok_and(|tag| tag == input.key_tag)
    });
    for key in fitting.take(MAX_TRIES) {
        let signed = query::of(records, name, input.type_covered);
        if key.verify_rrsig(owner, DNSClass::IN, signature, signed).is_ok() {
            return Ok(Holds {
                key: input.key_tag,
                remaining,
                labels: input.num_labels,
            });
        }
        problem = SignatureProblem::Wrong(input.key_tag);
    }
    Err(problem)
}

/// Whether a key is the one that a DS record vouches for.
fn is_key_of(ds: &Ds, zone: &DomainName, key: &DNSKEY) -> bool {
    u8::from(key.public_key().algorithm()) == ds.algorithm
        && key.calculate_key_tag().is_ok_and(|tag| tag == ds.key_tag)
        && digest(zone, key, ds.digest_kind).is_some_and(|digest| digest == ds.digest)
}

/// What a parent is to publish of a key, in lower-case hex; none for a kind of digest that is not known here.
fn digest(zone: &DomainName, key: &DNSKEY, kind: u8) -> Option<String> {
    let zone = Name::from_ascii(zone.absolute()).ok()?;
    let digest = key.to_digest(&zone, DigestType::from(kind)).ok()?;
    Some(hex(digest.as_ref()))
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// A length of time in its largest unit.
pub(crate) fn span(seconds: u32) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// Seconds since 1970, as signatures count them (RFC 4034 section 3.1.5).
pub(crate) fn now() -> u32 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since.as_secs() & u64::from(u32::MAX)).unwrap_or_default()
}

/// What a parent is to publish of a key, by SHA-256.
pub(crate) fn ds_of(zone: &DomainName, key: &DNSKEY) -> Option<Ds> {
    Some(Ds {
        key_tag: key.calculate_key_tag().ok()?,
        algorithm: key.public_key().algorithm().into(),
        digest_kind: 2,
        digest: digest(zone, key, 2)?,
    })
}
