//! Keys as `GoDaddy` writes them: algorithms and digests by name.

use serde::{Deserialize, Serialize};

use crate::record::Ds;
use crate::registrar::delegation::Signer;

/// Names of algorithms in the Swagger file's `DomainDnssec`, and their numbers (IANA).
const ALGORITHMS: &[(&str, u8)] = &[
    ("RSAMD5", 1),
    ("DSA", 3),
    ("RSASHA1", 5),
    ("DSA_NSEC3_SHA1", 6),
    ("RSASHA1_NSEC3_SHA1", 7),
    ("RSASHA256", 8),
    ("RSASHA512", 10),
    ("ECC_GOST", 12),
    ("ECDSAP256SHA256", 13),
    ("ECDSAP384SHA384", 14),
    ("ED25519", 15),
    ("ED448", 16),
];
/// Names of digests.
const DIGESTS: &[(&str, u8)] = &[("SHA1", 1), ("SHA256", 2), ("GOST", 3), ("SHA384", 4)];

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DnssecRecord {
    algorithm: String,
    key_tag: u16,
    digest_type: String,
    digest: String,
}

impl DnssecRecord {
    /// None if the algorithm or digest has no name.
    pub(super) fn of(signer: &Signer) -> Option<Self> {
        let Ds {
            key_tag,
            algorithm,
            digest_kind,
            digest,
        } = &signer.ds;
        Some(Self {
            algorithm: name(ALGORITHMS, *algorithm)?,
            key_tag: *key_tag,
            digest_type: name(DIGESTS, *digest_kind)?,
            digest: digest.to_ascii_uppercase(),
        })
    }

    /// None if a name is unknown.
    pub(super) fn signer(&self) -> Option<Signer> {
        Some(Signer::digest(Ds {
            key_tag: self.key_tag,
            algorithm: number(ALGORITHMS, &self.algorithm)?,
            digest_kind: number(DIGESTS, &self.digest_type)?,
            digest: self.digest.to_ascii_lowercase(),
        }))
    }
}

fn name(table: &[(&str, u8)], number: u8) -> Option<String> {
    let found = table.iter().find(|(_, it)| *it == number);
    found.map(|(name, _)| (*name).to_owned())
}

fn number(table: &[(&str, u8)], name: &str) -> Option<u8> {
    table
        .iter()
        .find(|(it, _)| *it == name)
        .map(|(_, number)| *number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_leads_back_to_the_ds() {
        let signer = Signer::digest("7 13 2 00ff".parse().unwrap());
        let record = DnssecRecord::of(&signer).unwrap();
        assert_eq!(record.algorithm, "ECDSAP256SHA256");
        assert_eq!(record.digest, "00FF");
        assert_eq!(record.signer().unwrap(), signer);
        assert!(DnssecRecord::of(&Signer::digest("7 99 2 00ff".parse().unwrap())).is_none());
    }
}
