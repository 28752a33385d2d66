use hickory_proto::dnssec::crypto::Ed25519SigningKey;
use hickory_proto::dnssec::rdata::{DNSKEY, DNSSECRData, DS, NSEC, RRSIG, SigInput};
use hickory_proto::dnssec::{DigestType, PublicKey as _, PublicKeyBuf, SigningKey as _, TBS};
use hickory_proto::rr::{DNSClass, Name, RData, SerialNumber};

use super::*;

const NOW: u32 = 1_700_000_000;
const DAY: u32 = 86_400;

/// A zone with a key that signs whatever it is told to.
struct Signed {
    name: DomainName,
    wire: Name,
    key: Ed25519SigningKey,
    dnskey: DNSKEY,
}

impl Signed {
    fn new(zone: &str) -> Self {
        let name: DomainName = zone.parse().unwrap();
        let key = Ed25519SigningKey::from_pkcs8(&Ed25519SigningKey::generate_pkcs8().unwrap()).unwrap();
        let dnskey = DNSKEY::with_flags(257, key.to_public_key().unwrap());
        Self {
            wire: Name::from_ascii(name.absolute()).unwrap(),
            name,
            key,
            dnskey,
        }
    }

    fn tag(&self) -> u16 {
        self.dnskey.calculate_key_tag().unwrap()
    }

    fn record(&self, data: DNSSECRData) -> Record {
        Record::from_rdata(self.wire.clone(), 300, RData::DNSSEC(data))
    }

    fn keys(&self) -> Vec<Record> {
        vec![self.record(DNSSECRData::DNSKEY(self.dnskey.clone()))]
    }

    fn ds(&self, kind: DigestType) -> DS {
        let digest = self.dnskey.to_digest(&self.wire, kind).unwrap();
        DS::new(
            self.tag(),
            self.dnskey.public_key().algorithm(),
            kind,
            digest.as_ref().to_vec(),
        )
    }

    /// Signs records in its name, from a day ago to `until` seconds from now.
    fn sign(&self, records: &[Record], valid: std::ops::Range<u32>) -> Record {
        let first = &records[0];
        let input = SigInput {
            type_covered: first.record_type(),
            algorithm: self.key.algorithm(),
            num_labels: first.name.num_labels(),
            original_ttl: 300,
            sig_expiration: SerialNumber::new(valid.end),
            sig_inception: SerialNumber::new(valid.start),
            key_tag: self.tag(),
            signer_name: self.wire.clone(),
        };
        let tbs = TBS::from_input(&first.name, DNSClass::IN, &input, records.iter()).unwrap();
        let signature = RRSIG::from_sig(input, self.key.sign(&tbs).unwrap());
        Record::from_rdata(
            first.name.clone(),
            300,
            RData::DNSSEC(DNSSECRData::RRSIG(signature)),
        )
    }

    fn signed_keys(&self) -> Vec<Record> {
        let keys = self.keys();
        let signature = self.sign(&keys, NOW - DAY..NOW + DAY);
        [keys, vec![signature]].concat()
    }

    /// What it says as a parent about a child's key.
    fn vouches(&self, child: &Self, ds: DS) -> Vec<Record> {
        let records = vec![child.record(DNSSECRData::DS(ds))];
        let signature = self.sign(&records, NOW - DAY..NOW + DAY);
        [records, vec![signature]].concat()
    }
}

/// A root that is trusted, and a zone below it.
fn pair() -> (Link, Signed, Signed) {
    let (root, zone) = (Signed::new("."), Signed::new("test"));
    let anchor = signature::ds_of(&root.name, &root.dnskey).unwrap();
    let link = super::root(Some(&[anchor]), Some(&root.signed_keys()), NOW);
    assert_eq!((link.security, &link.problems[..]), (Security::Secure, &[][..]));
    (link, root, zone)
}

fn to(above: &Link, zone: &Signed, proof: &[Record], keys: &[Record]) -> Link {
    below(above, &zone.name, Some(proof), Some(keys), NOW)
}

#[test]
fn an_unbroken_link_is_secure_and_names_its_key() {
    let (above, root, zone) = pair();
    for kind in [DigestType::SHA1, DigestType::SHA256, DigestType::SHA384] {
        let link = to(
            &above,
            &zone,
            &root.vouches(&zone, zone.ds(kind)),
            &zone.signed_keys(),
        );
        assert_eq!(link.security, Security::Secure, "{:?}", link.problems);
        assert_eq!(link.trusted, [zone.tag()]);
    }
}

#[test]
fn signatures_are_good_for_their_time_only() {
    let (above, root, zone) = pair();
    let proof = root.vouches(&zone, zone.ds(DigestType::SHA256));
    for (valid, words) in [
        (NOW - 2 * DAY..NOW - DAY, "expired 24 h ago"),
        (NOW + DAY..NOW + 2 * DAY, "valid only in 24 h"),
    ] {
        let signature = zone.sign(&zone.keys(), valid);
        let link = to(&above, &zone, &proof, &[zone.keys(), vec![signature]].concat());
        assert_eq!(link.security, Security::Bogus);
        assert!(
            matches!(&link.problems[..], [LinkProblem::KeySignature { why }] if why.contains(words)),
            "{:?}",
            link.problems
        );
    }
}

#[test]
fn forged_keys_and_forged_ds_records_are_bogus() {
    let (above, root, zone) = pair();
    let proof = root.vouches(&zone, zone.ds(DigestType::SHA256));
    // Another key beside the one that is vouched for, and the signature of before.
    let stranger = Signed::new("test");
    let mut keys = zone.signed_keys();
    keys.push(stranger.keys().remove(0));
    let link = to(&above, &zone, &proof, &keys);
    assert_eq!(link.security, Security::Bogus, "{:?}", link.problems);
    // The stranger signs its own key.
    let link = to(&above, &zone, &proof, &stranger.signed_keys());
    assert!(
        matches!(&link.problems[..], [LinkProblem::DsWithoutKey { .. }]),
        "{:?}",
        link.problems
    );
    // A stranger vouches in the root's name.
    let forged = Signed::new(".").vouches(&stranger, stranger.ds(DigestType::SHA256));
    let link = to(&above, &zone, &forged, &stranger.signed_keys());
    assert!(
        matches!(&link.problems[..], [LinkProblem::DsSignature { .. }]),
        "{:?}",
        link.problems
    );
    // The zone vouches for itself.
    let itself = zone.vouches(&zone, zone.ds(DigestType::SHA256));
    assert_eq!(
        to(&above, &zone, &itself, &zone.signed_keys()).security,
        Security::Bogus
    );
    // Nobody signed.
    let link = to(&above, &zone, &proof[..1], &zone.signed_keys());
    assert!(
        matches!(&link.problems[..], [LinkProblem::DsSignature { .. }]),
        "{:?}",
        link.problems
    );
    assert_eq!(to(&above, &zone, &proof, &zone.keys()).security, Security::Bogus);
}

#[test]
fn keys_of_algorithms_that_nobody_knows_are_no_surprise() {
    let (above, root, zone) = pair();
    let key = PublicKeyBuf::new(vec![1; 64], Algorithm::Unknown(250));
    let unknown = Signed {
        dnskey: DNSKEY::with_flags(257, key),
        ..Signed::new("test")
    };
    let proof = root.vouches(&zone, unknown.ds(DigestType::SHA256));
    let keys = [
        unknown.keys(),
        vec![zone.sign(&unknown.keys(), NOW - DAY..NOW + DAY)],
    ]
    .concat();
    let link = to(&above, &zone, &proof, &keys);
    assert_eq!(link.security, Security::Insecure);
    assert!(
        matches!(&link.problems[..], [LinkProblem::UnknownWays { .. }]),
        "{:?}",
        link.problems
    );
}

#[test]
fn a_denial_holds_with_the_parents_signature_and_for_that_name_only() {
    let (above, root, zone) = pair();
    let deny = |owner: &Signed, kinds: &[RecordType]| {
        let nsec = NSEC::new(Name::root(), kinds.iter().copied());
        owner.record(DNSSECRData::NSEC(nsec))
    };
    let cut = [RecordType::NS, RecordType::NSEC, RecordType::RRSIG];
    let signed = |record: Record, by: &Signed| {
        let signature = by.sign(std::slice::from_ref(&record), NOW - DAY..NOW + DAY);
        vec![record, signature]
    };
    let denial = |proof: &[Record]| {
        let link = to(&above, &zone, proof, &[]);
        let proven = matches!(link.denial, Some(Denial::Proven { .. }));
        // Without proof it cannot be told.
        let security = if proven {
            Security::Insecure
        } else {
            Security::Indeterminate
        };
        assert_eq!(link.security, security);
        proven
    };
    assert!(denial(&signed(deny(&zone, &cut), &root)));
    assert!(!denial(&signed(deny(&zone, &cut), &zone)), "signed by the child");
    assert!(!denial(&[deny(&zone, &cut)]), "not signed");
    assert!(
        !denial(&signed(deny(&zone, &[RecordType::A]), &root)),
        "no delegation"
    );
    assert!(
        !denial(&signed(deny(&zone, &[RecordType::NS, RecordType::DS]), &root)),
        "there is one"
    );
    assert!(
        !denial(&signed(deny(&Signed::new("other"), &cut), &root)),
        "of another name"
    );
    assert!(!denial(&[]), "nothing was said");
}
