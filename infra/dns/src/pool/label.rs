//! Which labels may be given away.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use unicode_security::{GeneralSecurityProfile as _, MixedScript as _};

use super::look_alike::skeleton;

/// Longest label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// Labels that people and programs take for the pool's own, or for the platform's.
const RESERVED: [&str; 66] = [
    "abuse",
    "account",
    "admin",
    "administrator",
    "api",
    "app",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "catalyst",
    "cdn",
    "console",
    "crossplane",
    "dashboard",
    "default",
    "docs",
    "flux",
    "ftp",
    "gitea",
    "harbor",
    "help",
    "hostmaster",
    "id",
    "imap",
    "isatap",
    "k8s",
    "keycloak",
    "kubernetes",
    "ldap",
    "local",
    "localhost",
    "login",
    "mail",
    "mta-sts",
    "news",
    "noc",
    "openbao",
    "pdns",
    "pool",
    "pop",
    "pop3",
    "postmaster",
    "registry",
    "root",
    "secure",
    "security",
    "sip",
    "smtp",
    "sovereign",
    "spire",
    "sso",
    "ssh",
    "static",
    "status",
    "support",
    "system",
    "vault",
    "vpn",
    "webmail",
    "webmaster",
    "whois",
    "wpad",
    "www",
    "www1",
    "www2",
];

/// Stems of labels that are reserved with any number behind them: `ns1`, `mx02`.
const RESERVED_NUMBERED: [&str; 5] = ["ns", "dns", "mx", "www", "ntp"];

/// Why a label cannot be given away.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LabelProblem {
    /// No DNS label.
    #[error("`{0}` is not 1 to 63 of a-z, 0-9 and inner hyphens, with a letter first")]
    NotALabel(String),
    /// Hyphens in the third and fourth place belong to encodings (RFC 5891 section 4.2.3.1).
    #[error("`{0}` has hyphens in its third and fourth place, which only `xn--` may")]
    Hyphens(String),
    /// Starts with `xn--`, and is not the one encoding of an international label.
    #[error("`{0}` is not the canonical form of an international label")]
    NotCanonical(String),
    /// An international label of characters that are not meant for identifiers, or of several scripts.
    #[error("`{label}` stands for `{shown}`, which mixes scripts or has characters that are not for names")]
    Unsafe {
        /// As it is in DNS.
        label: String,
        /// As it is shown.
        shown: String,
    },
    /// The pool or the platform needs it.
    #[error("`{0}` is reserved")]
    Reserved(String),
    /// Looks like a reserved one.
    #[error("`{label}` looks like `{reserved}`, which is reserved")]
    LooksReserved {
        /// The label.
        label: String,
        /// What it looks like.
        reserved: String,
    },
}

/// A label that may be given away: in lower case, international ones in their `xn--` form, neither reserved nor misleading.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PoolLabel(String);

impl PoolLabel {
    /// The label as it is in DNS.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PoolLabel {
    type Err = LabelProblem;

    fn from_str(text: &str) -> Result<Self, LabelProblem> {
        let label = text.to_ascii_lowercase();
        check_form(&label)?;
        if label.starts_with("xn--") {
            check_international(&label)?;
        }
        check_reserved(&label)?;
        Ok(Self(label))
    }
}

fn check_form(label: &str) -> Result<(), LabelProblem> {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let fits = (1..=MAX_LABEL).contains(&label.len())
        && label.starts_with(|c: char| c.is_ascii_lowercase())
        && label.chars().all(allowed)
        && !label.ends_with('-');
    if !fits {
        return Err(LabelProblem::NotALabel(label.to_owned()));
    }
    if label.get(2..4) == Some("--") && !label.starts_with("xn--") {
        return Err(LabelProblem::Hyphens(label.to_owned()));
    }
    Ok(())
}

/// One spelling, one script, and characters that Unicode allows in identifiers (UTS 39 sections 3 and 5).
fn check_international(label: &str) -> Result<(), LabelProblem> {
    let not_canonical = || LabelProblem::NotCanonical(label.to_owned());
    let (shown, decoded) = idna::domain_to_unicode(label);
    decoded.map_err(|_| not_canonical())?;
    let encoded = idna::domain_to_ascii_strict(&shown).map_err(|_| not_canonical())?;
    if encoded != label || shown.is_ascii() {
        return Err(not_canonical());
    }
    if shown.is_single_script() && shown.chars().all(|c| c == '-' || c.identifier_allowed()) {
        return Ok(());
    }
    Err(LabelProblem::Unsafe {
        label: label.to_owned(),
        shown,
    })
}

fn check_reserved(label: &str) -> Result<(), LabelProblem> {
    let stem = label.trim_end_matches(|c: char| c.is_ascii_digit());
    if RESERVED.contains(&label) || RESERVED_NUMBERED.contains(&stem) {
        return Err(LabelProblem::Reserved(label.to_owned()));
    }
    let looks = skeleton(label);
    let like = RESERVED.iter().find(|reserved| skeleton(reserved) == looks);
    like.map_or(Ok(()), |reserved| {
        Err(LabelProblem::LooksReserved {
            label: label.to_owned(),
            reserved: (*reserved).to_owned(),
        })
    })
}

impl TryFrom<String> for PoolLabel {
    type Error = LabelProblem;

    fn try_from(text: String) -> Result<Self, LabelProblem> {
        text.parse()
    }
}

impl From<PoolLabel> for String {
    fn from(label: PoolLabel) -> Self {
        label.0
    }
}

impl fmt::Display for PoolLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn problem(text: &str) -> LabelProblem {
        text.parse::<PoolLabel>().expect_err(text)
    }

    #[test]
    fn ordinary_labels_are_given_away() {
        for text in [
            "acme",
            "a",
            "acme-2",
            "b2b",
            "nsa",
            "xn--bcher-kva",
            "xn--e1afmkfd",
        ] {
            let label: PoolLabel = text.parse().unwrap();
            assert_eq!(label.as_str(), text);
        }
        assert_eq!("ACME".parse::<PoolLabel>().unwrap().as_str(), "acme");
    }

    #[test]
    fn what_is_no_label_is_refused() {
        for text in [
            "", "-a", "a-", "1a", "42", "a.b", "_dmarc", "*", "bücher", "a b", "a_b",
        ] {
            assert!(matches!(problem(text), LabelProblem::NotALabel(_)), "{text}");
        }
        assert!(matches!(problem("ab--cd"), LabelProblem::Hyphens(_)));
    }

    #[test]
    fn reserved_ones_and_those_that_look_like_them_are_refused() {
        for text in ["www", "ns", "ns1", "mx02", "api", "k8s", "www3", "autodiscover"] {
            assert!(matches!(problem(text), LabelProblem::Reserved(_)), "{text}");
        }
        for (text, reserved) in [
            ("adrnin", "admin"),
            ("ap1", "api"),
            ("l0gin", "login"),
            ("vvww", "www"),
        ] {
            let LabelProblem::LooksReserved { reserved: found, .. } = problem(text) else {
                panic!("{text}: {}", problem(text))
            };
            assert_eq!(found, reserved);
        }
    }

    #[test]
    fn international_labels_have_one_spelling_and_one_script() {
        // `аpple` with a Cyrillic first letter, an emoji, and one that decodes to plain ASCII.
        for text in ["xn--pple-43d", "xn--ls8h"] {
            assert!(
                matches!(
                    problem(text),
                    LabelProblem::Unsafe { .. } | LabelProblem::NotCanonical(_)
                ),
                "{text}"
            );
        }
        for text in ["xn--acme-", "xn--a", "xn--0"] {
            assert!(text.parse::<PoolLabel>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_a_surprise(text in ".{0,70}") {
            if let Ok(label) = text.parse::<PoolLabel>() {
                prop_assert_eq!(label.as_str(), text.to_ascii_lowercase());
                prop_assert_eq!(label.as_str().parse::<PoolLabel>().unwrap(), label);
            }
        }

        #[test]
        fn no_encoded_label_is_a_surprise(text in "xn--[a-z0-9-]{1,20}") {
            let _ = text.parse::<PoolLabel>();
        }
    }
}
