//! Delegation signers: what a parent publishes about a child's key.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::RecordTextError;

/// Data of a DS record (RFC 4034 section 5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ds {
    /// Tag of the key.
    pub key_tag: u16,
    /// Algorithm of the key; 13 is ECDSA P-256 with SHA-256.
    pub algorithm: u8,
    /// Kind of digest; 2 is SHA-256, 4 is SHA-384.
    pub digest_kind: u8,
    /// The digest in lower-case hex.
    pub digest: String,
}

impl fmt::Display for Ds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key_tag,
            algorithm,
            digest_kind,
            digest,
        } = self;
        write!(f, "{key_tag} {algorithm} {digest_kind} {digest}")
    }
}

impl FromStr for Ds {
    type Err = RecordTextError;

    fn from_str(text: &str) -> Result<Self, RecordTextError> {
        let wrong = || RecordTextError {
            kind: "a DS record",
            text: text.to_owned(),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        // The digest may be written in groups.
        let [key_tag, algorithm, digest_kind, digest @ ..] = words.as_slice() else {
            return Err(wrong());
        };
        let digest = digest.concat().to_ascii_lowercase();
        if digest.is_empty()
            || !digest.len().is_multiple_of(2)
            || !digest.chars().all(|c| c.is_ascii_hexdigit())
        {
            return Err(wrong());
        }
        Ok(Self {
            key_tag: key_tag.parse().map_err(|_| wrong())?,
            algorithm: algorithm.parse().map_err(|_| wrong())?,
            digest_kind: digest_kind.parse().map_err(|_| wrong())?,
            digest,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_leads_back_to_the_data(key_tag: u16, algorithm: u8, digest_kind: u8, digest in "([0-9a-f]{2}){1,48}") {
            let ds = Ds { key_tag, algorithm, digest_kind, digest };
            prop_assert_eq!(&ds.to_string().parse::<Ds>().unwrap(), &ds);
            prop_assert_eq!(&ds.to_string().to_ascii_uppercase().parse::<Ds>().unwrap(), &ds);
        }

        #[test]
        fn no_text_is_a_surprise(text in ".{0,80}") {
            let _ = text.parse::<Ds>();
        }
    }
}
