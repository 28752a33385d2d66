//! Domain names in one canonical form, so that equal names are equal texts.

use std::fmt;
use std::str::FromStr;

use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Longest name in text form, without the trailing dot (RFC 1035 section 3.1).
const MAX_NAME: usize = 253;
/// Longest label (RFC 1035 section 2.3.4).
const MAX_LABEL: usize = 63;

/// Why a text is not a [`DomainName`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DomainNameError {
    /// No text at all; the root is written `.`.
    #[error("a domain name is empty")]
    Empty,
    /// Longer than DNS allows.
    #[error("`{0}` has {1} characters; a domain name has at most 253")]
    TooLong(String, usize),
    /// A label that cannot be.
    #[error(
        "label `{label}` of `{name}` is not 1 to 63 of a-z, 0-9, underscores and inner hyphens, or a first `*`"
    )]
    Label {
        /// The whole name.
        name: String,
        /// The label.
        label: String,
    },
}

/// A domain name: lower case, without the trailing dot, international names in their `xn--` form.
///
/// Underscores (`_acme-challenge`) and a first label `*` are allowed; see [`DomainName::is_host`] for what a host may be called.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DomainName(String);

impl DomainName {
    /// The root of all names.
    pub fn root() -> Self {
        Self(String::new())
    }

    /// A name as it came in a message; none for what is not a domain name in our sense.
    pub(crate) fn from_wire(name: &Name) -> Option<Self> {
        if name.is_root() {
            return Some(Self::root());
        }
        name.to_ascii().parse().ok()
    }

    /// The name without a trailing dot; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as DNS software writes it, with a trailing dot.
    pub fn absolute(&self) -> String {
        format!("{}.", self.0)
    }

    /// Its labels, the deepest first; none for the root.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.0.split('.').filter(|label| !label.is_empty())
    }

    /// The name one level up; none for the root.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        let rest = self.0.split_once('.').map_or("", |(_, rest)| rest);
        Some(Self(rest.to_owned()))
    }

    /// The name one level down, or several where `prefix` has dots.
    pub fn child(&self, prefix: &str) -> Result<Self, DomainNameError> {
        format!("{prefix}.{}", self.0).parse()
    }

    /// Whether this is `zone` itself or lies below it.
    pub fn is_within(&self, zone: &Self) -> bool {
        let above = self.0.strip_suffix(&zone.0);
        above.is_some_and(|above| above.is_empty() || above.ends_with('.') || zone.0.is_empty())
    }

    /// Whether the first label is `*`.
    pub fn is_wildcard(&self) -> bool {
        self.labels().next() == Some("*")
    }

    /// Whether a host may be called so: no root, no wildcard, no underscore.
    pub fn is_host(&self) -> bool {
        !self.0.is_empty() && !self.0.contains(['*', '_'])
    }
}

impl FromStr for DomainName {
    type Err = DomainNameError;

    fn from_str(text: &str) -> Result<Self, DomainNameError> {
        if text.is_empty() {
            return Err(DomainNameError::Empty);
        }
        if text == "." {
            return Ok(Self::root());
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if name.len() > MAX_NAME {
            return Err(DomainNameError::TooLong(text.to_owned(), name.len()));
        }
        let wrong = name
            .split('.')
            .enumerate()
            .find(|(depth, label)| !(is_label(label) || *depth == 0 && *label == "*"));
        if let Some((_, label)) = wrong {
            return Err(DomainNameError::Label {
                name: text.to_owned(),
                label: label.to_owned(),
            });
        }
        Ok(Self(name.to_ascii_lowercase()))
    }
}

fn is_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    (1..=MAX_LABEL).contains(&text.len())
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

impl TryFrom<String> for DomainName {
    type Error = DomainNameError;

    fn try_from(text: String) -> Result<Self, DomainNameError> {
        text.parse()
    }
}

impl From<DomainName> for String {
    fn from(name: DomainName) -> Self {
        name.to_string()
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

impl fmt::Debug for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(text: &str) -> DomainName {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_not_a_name_is_refused() {
        for wrong in [
            "", "..", ".a", "a..b", "-a.b", "a-.b", "a b", "a.*.b", "ä.b", "a/b", "a\\.b",
        ] {
            assert!(wrong.parse::<DomainName>().is_err(), "{wrong}");
        }
        assert!("a".repeat(64).parse::<DomainName>().is_err());
        assert!(["a"; 127].join(".").parse::<DomainName>().is_ok());
        assert!(["a"; 128].join(".").parse::<DomainName>().is_err());
    }

    #[test]
    fn within_goes_by_labels() {
        let zone = name("acme.example");
        assert!(zone.is_within(&zone));
        assert!(name("a.b.acme.example").is_within(&zone));
        assert!(!name("evilacme.example").is_within(&zone));
        assert!(!name("example").is_within(&zone));
        assert!(zone.is_within(&DomainName::root()));
        assert!(DomainName::root().is_within(&DomainName::root()));
        assert!(!DomainName::root().is_within(&zone));
    }

    #[test]
    fn only_some_names_are_hosts() {
        assert!(name("NS1.acme.example.").is_host());
        for other in [".", "*.acme.example", "_acme-challenge.acme.example"] {
            assert!(!name(other).is_host(), "{other}");
        }
    }

    proptest! {
        #[test]
        fn case_and_trailing_dot_make_no_difference(text in "[a-zA-Z0-9_]{1,20}(\\.[a-zA-Z0-9]{1,20}){0,5}") {
            let plain = name(&text);
            prop_assert_eq!(&plain, &name(&text.to_ascii_uppercase()));
            prop_assert_eq!(&plain, &name(&plain.absolute()));
            prop_assert_eq!(&plain, &name(&plain.to_string()));
        }

        #[test]
        fn a_child_lies_below_and_its_parent_is_where_it_came_from(
            label in "[a-z0-9]{1,63}",
            above in "[a-z0-9]{1,20}(\\.[a-z0-9]{1,20}){0,4}",
        ) {
            let above = name(&above);
            let child = above.child(&label).unwrap();
            prop_assert!(child.is_within(&above) && !above.is_within(&child));
            prop_assert_eq!(child.parent(), Some(above));
        }

        #[test]
        fn no_text_is_misread(text in ".{0,80}") {
            if let Ok(name) = text.parse::<DomainName>() {
                let lower = text.to_ascii_lowercase();
                prop_assert_eq!(lower.trim_end_matches('.'), name.as_str());
            }
        }
    }
}
