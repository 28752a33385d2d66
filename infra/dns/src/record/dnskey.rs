//! Public keys of zones, and what a parent publishes of them.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hickory_proto::dnssec::rdata::DNSKEY;
use hickory_proto::dnssec::{Algorithm, DigestType, PublicKeyBuf};
use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};

use super::{Ds, RecordTextError};
use crate::name::DomainName;

/// The only protocol there is (RFC 4034 section 2.1.2).
const PROTOCOL: u8 = 3;
/// SHA-256 (RFC 4509).
const SHA_256: u8 = 2;

/// Data of a DNSKEY record (RFC 4034 section 2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Dnskey {
    /// 257 for a key that a parent vouches for, 256 for one that only signs the zone.
    pub flags: u16,
    /// Algorithm; 13 is ECDSA P-256 with SHA-256.
    pub algorithm: u8,
    /// The key in base64, without spaces.
    pub public_key: String,
}

impl Dnskey {
    /// What the parent publishes of this key of a zone, by SHA-256.
    pub fn ds(&self, zone: &DomainName) -> Result<Ds, RecordTextError> {
        let wrong = || RecordTextError {
            kind: "a DNSKEY record",
            text: self.to_string(),
        };
        let bytes = STANDARD.decode(&self.public_key).map_err(|_| wrong())?;
        let key = PublicKeyBuf::new(bytes, Algorithm::from_u8(self.algorithm));
        let key = DNSKEY::with_flags(self.flags, key);
        let owner = Name::from_ascii(zone.absolute()).map_err(|_| wrong())?;
        let digest = key
            .to_digest(&owner, DigestType::from(SHA_256))
            .map_err(|_| wrong())?;
        Ok(Ds {
            key_tag: key.calculate_key_tag().map_err(|_| wrong())?,
            algorithm: self.algorithm,
            digest_kind: SHA_256,
            digest: hex::encode(digest.as_ref()),
        })
    }
}

impl fmt::Display for Dnskey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            flags,
            algorithm,
            public_key,
        } = self;
        write!(f, "{flags} {PROTOCOL} {algorithm} {public_key}")
    }
}

impl FromStr for Dnskey {
    type Err = RecordTextError;

    fn from_str(text: &str) -> Result<Self, RecordTextError> {
        let wrong = || RecordTextError {
            kind: "a DNSKEY record",
            text: text.to_owned(),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        // The key may be written in groups.
        let [flags, protocol, algorithm, key @ ..] = words.as_slice() else {
            return Err(wrong());
        };
        let public_key = key.concat();
        let readable = STANDARD.decode(&public_key).is_ok_and(|bytes| !bytes.is_empty());
        if !readable || protocol.parse() != Ok(PROTOCOL) {
            return Err(wrong());
        }
        Ok(Self {
            flags: flags.parse().map_err(|_| wrong())?,
            algorithm: algorithm.parse().map_err(|_| wrong())?,
            public_key,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_example_of_rfc_6605_leads_to_its_digest() {
        let key: Dnskey = "257 3 13 GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb
            krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA=="
            .parse()
            .unwrap();
        let ds = key.ds(&"example.net".parse().unwrap()).unwrap();
        let wanted = "55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17";
        assert_eq!(ds.to_string(), wanted);
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in ".{0,80}") {
            let _ = text.parse::<Dnskey>();
        }
    }
}
