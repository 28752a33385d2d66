//! Sets of name servers: equal whatever the case, the dots, the alphabet and the order they are written in.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::Host;

use crate::name::DomainName;

/// Fewest and most name servers of a delegation. One alone is refused by every registry; 13 is what the protocol's limits allow.
const COUNT: std::ops::RangeInclusive<usize> = 2..=13;

/// Why texts are not the name servers of a delegation.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NsSetError {
    /// An address instead of a name.
    #[error("`{0}` is an address; a delegation names hosts")]
    Address(String),
    /// Not a host's name.
    #[error("`{0}` is not the name of a host")]
    NotAHost(String),
    /// Too few or too many.
    #[error("{0} name servers; a delegation has 2 to 13")]
    Count(usize),
}

/// The name servers of a domain, each once, in the order they came in. Order does not count when two are compared.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct NsSet(Vec<DomainName>);

impl NsSet {
    /// Reads what a registrar or a person wrote, however few or many there are; [`NsSet::check`] counts them.
    pub fn read<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, NsSetError> {
        let mut hosts: Vec<DomainName> = Vec::new();
        for text in texts {
            let host = host(text.as_ref())?;
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        Ok(Self(hosts))
    }

    /// Whether they may be written to a delegation.
    pub fn check(&self) -> Result<(), NsSetError> {
        if COUNT.contains(&self.0.len()) {
            Ok(())
        } else {
            Err(NsSetError::Count(self.0.len()))
        }
    }

    /// The hosts, in order.
    pub fn hosts(&self) -> &[DomainName] {
        &self.0
    }

    /// Their names without a trailing dot, in order.
    pub fn names(&self) -> Vec<&str> {
        self.0.iter().map(DomainName::as_str).collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn set(&self) -> BTreeSet<&DomainName> {
        self.0.iter().collect()
    }
}

/// Lower case, no trailing dot, international names in their `xn--` form.
fn host(text: &str) -> Result<DomainName, NsSetError> {
    let plain = text.trim();
    let plain = plain.strip_suffix('.').unwrap_or(plain);
    if plain.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
        return Err(NsSetError::Address(text.to_owned()));
    }
    let not_a_host = || NsSetError::NotAHost(text.to_owned());
    match Host::parse(plain).map_err(|_| not_a_host())? {
        Host::Domain(name) => {
            let name: DomainName = name.parse().map_err(|_| not_a_host())?;
            let fits = name.is_host() && name.labels().count() > 1;
            fits.then_some(name).ok_or_else(not_a_host)
        }
        // Such as `0x7f.1`, which is an address in disguise.
        Host::Ipv4(_) | Host::Ipv6(_) => Err(NsSetError::Address(text.to_owned())),
    }
}

impl PartialEq for NsSet {
    fn eq(&self, other: &Self) -> bool {
        self.set() == other.set()
    }
}

impl Eq for NsSet {}

impl TryFrom<Vec<String>> for NsSet {
    type Error = NsSetError;

    fn try_from(texts: Vec<String>) -> Result<Self, NsSetError> {
        Self::read(texts)
    }
}

/// Names that are known to be hosts'.
impl FromIterator<DomainName> for NsSet {
    fn from_iter<I: IntoIterator<Item = DomainName>>(names: I) -> Self {
        let mut hosts: Vec<DomainName> = Vec::new();
        for name in names {
            if !hosts.contains(&name) {
                hosts.push(name);
            }
        }
        Self(hosts)
    }
}

impl From<NsSet> for Vec<String> {
    fn from(set: NsSet) -> Self {
        set.0.iter().map(ToString::to_string).collect()
    }
}

/// In alphabetical order.
impl fmt::Display for NsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        let names: Vec<&str> = self.set().into_iter().map(DomainName::as_str).collect();
        f.write_str(&names.join(", "))
    }
}

impl fmt::Debug for NsSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_and_what_is_no_host_are_refused() {
        for address in [
            "192.0.2.1",
            "192.0.2.1.",
            "2001:db8::1",
            "[2001:db8::1]",
            "0x7f.1",
        ] {
            assert!(
                matches!(NsSet::read([address]), Err(NsSetError::Address(_))),
                "{address}"
            );
        }
        for other in [
            "",
            ".",
            "localhost",
            "*.a.example",
            "_a.example",
            "a b.example",
            "a..example",
        ] {
            assert!(
                matches!(NsSet::read([other]), Err(NsSetError::NotAHost(_))),
                "{other}"
            );
        }
    }

    #[test]
    fn both_alphabets_are_one_name() {
        assert_eq!(
            NsSet::read(["ns.BÜCHER.example."]).unwrap(),
            NsSet::read(["ns.xn--bcher-kva.example"]).unwrap()
        );
    }

    proptest! {
        #[test]
        fn spelling_order_and_repetition_make_no_difference(
            hosts in proptest::collection::vec("[a-z]{1,8}[0-9]{0,2}\\.[a-z]{2,8}\\.[a-z]{2,3}", 1..15),
            flips in proptest::collection::vec(any::<(bool, bool)>(), 15),
            turn in 0_usize..15,
        ) {
            let plain = NsSet::read(&hosts).unwrap();
            let spelt = hosts.iter().zip(&flips).map(|(host, (upper, dot))| {
                let host = if *upper { host.to_uppercase() } else { host.clone() };
                if *dot { format!(" {host}.") } else { host }
            });
            let mut spelt: Vec<String> = spelt.chain([hosts[0].clone()]).collect();
            let middle = turn % spelt.len();
            spelt.rotate_left(middle);
            let other = NsSet::read(&spelt).unwrap();
            prop_assert_eq!(&plain, &other);
            prop_assert_eq!(plain.to_string(), other.to_string());
            let distinct: BTreeSet<_> = hosts.iter().collect();
            prop_assert_eq!(plain.hosts().len(), distinct.len());
            prop_assert_eq!(plain.check().is_ok(), (2..=13).contains(&distinct.len()));
            let json = serde_json::to_string(&plain).unwrap();
            let back: NsSet = serde_json::from_str(&json).unwrap();
            prop_assert_eq!(plain.hosts(), back.hosts());
        }

        #[test]
        fn another_host_makes_another_set(hosts in proptest::collection::btree_set("[a-z]{3,8}\\.example", 2..13)) {
            let all = NsSet::read(&hosts).unwrap();
            let fewer = NsSet::read(hosts.iter().skip(1)).unwrap();
            prop_assert_ne!(&all, &fewer);
        }

        #[test]
        fn no_text_is_a_surprise(text in ".{0,60}") {
            let _ = NsSet::read([text]);
        }
    }
}
