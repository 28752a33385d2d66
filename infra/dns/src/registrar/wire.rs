//! What several registrars' answers have in common.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserializer, Error as _, Visitor};

use super::ns_set::NsSet;
use crate::name::DomainName;

/// What a host's name has before its domain's; empty for the domain itself.
pub(super) fn label_in<'a>(host: &'a DomainName, domain: &DomainName) -> &'a str {
    let label = host.as_str().strip_suffix(domain.as_str()).unwrap_or_default();
    label.trim_end_matches('.')
}

/// A number that may be written as text.
pub(super) fn number<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr,
{
    struct Number;
    impl Visitor<'_> for Number {
        type Value = String;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }

        fn visit_u64<E>(self, value: u64) -> Result<String, E> {
            Ok(value.to_string())
        }

        fn visit_str<E>(self, text: &str) -> Result<String, E> {
            Ok(text.trim().to_owned())
        }
    }
    let text = deserializer.deserialize_any(Number)?;
    text.parse()
        .map_err(|_| D::Error::custom("a number out of range"))
}

/// Whether all name servers are a provider's own: they lie under one of its names.
pub(super) fn provider_default(ns: &NsSet, suffixes: &[&str]) -> bool {
    let own = |host: &str| {
        suffixes
            .iter()
            .any(|suffix| host.strip_suffix(suffix).is_some_and(|rest| rest.ends_with('.')))
    };
    !ns.is_empty() && ns.names().into_iter().all(own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_below_the_provider_are_its_own() {
        let is_own = |names: &[&str]| provider_default(&NsSet::read(names).unwrap(), &["dns.example"]);
        assert!(is_own(&["a.dns.example", "B.dns.example."]));
        assert!(!is_own(&["a.dns.example", "b.evildns.example"]));
        assert!(!is_own(&["dns.example", "a.dns.example"]));
        assert!(!is_own(&[]));
    }
}
