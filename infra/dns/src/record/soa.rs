//! The start of authority: who is in charge of a zone and how it is to be cached.

use std::fmt;
use std::str::FromStr;

use super::RecordTextError;
use crate::mailbox::Mailbox;
use crate::name::DomainName;

/// Data of a SOA record (RFC 1035 section 3.3.13). Times are in seconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Soa {
    /// The name server that changes come from.
    pub primary: DomainName,
    /// Who is in charge.
    pub contact: Mailbox,
    /// Moves on every change, so that secondaries notice.
    pub serial: u32,
    /// How often secondaries look for changes.
    pub refresh: u32,
    /// How soon they try again after a failure.
    pub retry: u32,
    /// How long they go on answering without having reached the primary.
    pub expire: u32,
    /// How long the absence of a name may be cached (RFC 2308).
    pub negative_ttl: u32,
}

impl Soa {
    /// The same with another serial.
    #[must_use]
    pub fn with_serial(&self, serial: u32) -> Self {
        Self {
            serial,
            ..self.clone()
        }
    }
}

impl fmt::Display for Soa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            primary,
            contact,
            serial,
            refresh,
            retry,
            expire,
            negative_ttl,
        } = self;
        let (primary, contact) = (primary.absolute(), contact.to_name());
        write!(
            f,
            "{primary} {contact} {serial} {refresh} {retry} {expire} {negative_ttl}"
        )
    }
}

impl FromStr for Soa {
    type Err = RecordTextError;

    fn from_str(text: &str) -> Result<Self, RecordTextError> {
        let wrong = || RecordTextError {
            kind: "a SOA record",
            text: text.to_owned(),
        };
        let words: Vec<&str> = text.split_ascii_whitespace().collect();
        let [primary, contact, numbers @ ..] = words.as_slice() else {
            return Err(wrong());
        };
        let numbers: Vec<u32> = numbers
            .iter()
            .map(|word| word.parse().map_err(|_| wrong()))
            .collect::<Result<_, _>>()?;
        let [serial, refresh, retry, expire, negative_ttl] = numbers[..] else {
            return Err(wrong());
        };
        Ok(Self {
            primary: primary.parse().map_err(|_| wrong())?,
            contact: Mailbox::from_name(contact).map_err(|_| wrong())?,
            serial,
            refresh,
            retry,
            expire,
            negative_ttl,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_text_leads_back_to_the_data(
            primary in "[a-z0-9]{1,9}(\\.[a-z0-9]{1,9}){0,3}",
            contact in "[a-z0-9]{1,9}(\\.[a-z0-9]{1,9}){0,3}@[a-z]{1,9}\\.[a-z]{1,9}",
            numbers in any::<[u32; 5]>(),
        ) {
            let [serial, refresh, retry, expire, negative_ttl] = numbers;
            let soa = Soa {
                primary: primary.parse().unwrap(),
                contact: contact.parse().unwrap(),
                serial,
                refresh,
                retry,
                expire,
                negative_ttl,
            };
            prop_assert_eq!(soa.to_string().parse::<Soa>().unwrap(), soa);
        }

        #[test]
        fn no_text_is_a_surprise(text in ".{0,80}") {
            let _ = text.parse::<Soa>();
        }
    }
}
