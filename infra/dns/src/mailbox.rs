//! The mailbox of whoever is in charge of a zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::name::{DomainName, DomainNameError};

/// Why a text is not a [`Mailbox`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailboxError {
    /// There is no `@`, or what stands before it does not fit into one label.
    #[error("`{0}` is not an e-mail address that a zone can carry")]
    Address(String),
    /// What stands behind the `@` is no domain.
    #[error("`{address}` is not an e-mail address")]
    Domain {
        /// The whole text.
        address: String,
        /// Why.
        #[source]
        source: DomainNameError,
    },
}

/// An e-mail address as a SOA record carries it: the part before the `@` is the first label (RFC 1035 section 8).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Mailbox {
    user: String,
    domain: DomainName,
}

impl Mailbox {
    /// The mailbox that every zone should have (RFC 2142 section 7).
    pub fn hostmaster(domain: &DomainName) -> Self {
        Self {
            user: "hostmaster".to_owned(),
            domain: domain.clone(),
        }
    }

    /// The address as a domain name with a trailing dot; dots of the user are escaped.
    pub fn to_name(&self) -> String {
        format!("{}.{}", self.user.replace('.', "\\."), self.domain.absolute())
    }

    /// Reads what [`Self::to_name`] writes.
    pub fn from_name(text: &str) -> Result<Self, MailboxError> {
        let wrong = || MailboxError::Address(text.to_owned());
        let dots = text.match_indices('.').map(|(at, _)| at);
        let end = dots
            .into_iter()
            .find(|at| !text[..*at].ends_with('\\'))
            .ok_or_else(wrong)?;
        let user = text[..end].replace("\\.", ".");
        Self::new(text, &user, &text[end + 1..])
    }

    fn new(text: &str, user: &str, domain: &str) -> Result<Self, MailboxError> {
        // Of the characters that RFC 5322 allows, those that are no special ones in a zone file.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "!#%&'*+-/=?^_`{|}~.".contains(c);
        let fits = (1..=63).contains(&user.len())
            && user.chars().all(allowed)
            && !user.starts_with('.')
            && !user.ends_with('.')
            && !user.contains("..");
        if !fits {
            return Err(MailboxError::Address(text.to_owned()));
        }
        let domain: DomainName = domain.parse().map_err(|source| MailboxError::Domain {
            address: text.to_owned(),
            source,
        })?;
        if !domain.is_host() {
            return Err(MailboxError::Address(text.to_owned()));
        }
        Ok(Self {
            user: user.to_owned(),
            domain,
        })
    }
}

impl FromStr for Mailbox {
    type Err = MailboxError;

    fn from_str(text: &str) -> Result<Self, MailboxError> {
        let (user, domain) = text
            .split_once('@')
            .ok_or_else(|| MailboxError::Address(text.to_owned()))?;
        Self::new(text, user, domain)
    }
}

impl TryFrom<String> for Mailbox {
    type Error = MailboxError;

    fn try_from(text: String) -> Result<Self, MailboxError> {
        text.parse()
    }
}

impl From<Mailbox> for String {
    fn from(mailbox: Mailbox) -> Self {
        mailbox.to_string()
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.user, self.domain)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_dot_of_the_user_is_no_label_boundary() {
        let mailbox: Mailbox = "first.last@acme.example".parse().unwrap();
        assert_eq!(mailbox.to_name(), "first\\.last.acme.example.");
    }

    #[test]
    fn what_a_zone_cannot_carry_is_refused() {
        for wrong in [
            "acme.example",
            "@acme.example",
            "a..b@acme.example",
            "a b@acme.example",
            "a@",
            "a@*.b",
            "a\\@b.c",
        ] {
            assert!(wrong.parse::<Mailbox>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn a_name_leads_back_to_the_mailbox(text in "[a-zA-Z0-9+_-]{1,20}(\\.[a-z]{1,9}){0,3}@[a-z]{1,9}(\\.[a-z]{1,9}){1,3}") {
            let mailbox: Mailbox = text.parse().unwrap();
            prop_assert_eq!(&Mailbox::from_name(&mailbox.to_name()).unwrap(), &mailbox);
            prop_assert_eq!(mailbox.to_string(), text);
        }

        #[test]
        fn no_text_is_a_surprise(text in ".{0,60}") {
            let _ = Mailbox::from_name(&text);
            let _ = text.parse::<Mailbox>();
        }
    }
}
