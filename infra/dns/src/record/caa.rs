//! Certification authority authorization: who may issue certificates for the names of a zone.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::RecordTextError;

/// Data of a CAA record (RFC 8659 section 4).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Caa {
    critical: bool,
    tag: String,
    value: String,
}

impl Caa {
    /// `issuer` may issue certificates, for example `letsencrypt.org`. Printable ASCII.
    pub fn issue(issuer: &str) -> Result<Self, RecordTextError> {
        Self::new(false, "issue", issuer)
    }

    /// `issuer` may issue certificates for wildcards; nobody may where it is `;`.
    pub fn issue_wildcard(issuer: &str) -> Result<Self, RecordTextError> {
        Self::new(false, "issuewild", issuer)
    }

    /// Issuers report what they were asked for and refused to that address, for example `mailto:security@acme.example`.
    pub fn report_to(address: &str) -> Result<Self, RecordTextError> {
        Self::new(false, "iodef", address)
    }

    /// A record of any tag. `critical`: an issuer that does not know the tag must not issue.
    pub fn new(critical: bool, tag: &str, value: &str) -> Result<Self, RecordTextError> {
        let tag_fits = (1..=15).contains(&tag.len()) && tag.chars().all(|c| c.is_ascii_alphanumeric());
        let value_fits = value.len() <= 255 && value.chars().all(|c| c == ' ' || c.is_ascii_graphic());
        if !tag_fits || !value_fits {
            return Err(RecordTextError {
                kind: "a CAA record",
                text: format!("{tag} {value}"),
            });
        }
        Ok(Self {
            critical,
            tag: tag.to_ascii_lowercase(),
            value: value.to_owned(),
        })
    }
}

impl fmt::Display for Caa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flags = if self.critical { 128 } else { 0 };
        let value = self.value.replace('\\', "\\\\").replace('"', "\\\"");
        write!(f, "{flags} {} \"{value}\"", self.tag)
    }
}

impl FromStr for Caa {
    type Err = RecordTextError;

    fn from_str(text: &str) -> Result<Self, RecordTextError> {
        let wrong = || RecordTextError {
            kind: "a CAA record",
            text: text.to_owned(),
        };
        let mut words = text.splitn(3, ' ');
        let (Some(flags), Some(tag), Some(quoted)) = (words.next(), words.next(), words.next()) else {
            return Err(wrong());
        };
        let flags: u8 = flags.parse().map_err(|_| wrong())?;
        let value = unquoted(quoted).ok_or_else(wrong)?;
        if flags & 127 != 0 {
            return Err(wrong());
        }
        Self::new(flags == 128, tag, &value).map_err(|_| wrong())
    }
}

fn unquoted(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut value = String::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' => return None,
            '\\' => value.push(rest.next().filter(|c| !c.is_ascii_digit())?),
            c => value.push(c),
        }
    }
    Some(value)
}

impl TryFrom<String> for Caa {
    type Error = RecordTextError;

    fn try_from(text: String) -> Result<Self, RecordTextError> {
        text.parse()
    }
}

impl From<Caa> for String {
    fn from(caa: Caa) -> Self {
        caa.to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_issuer_reads_as_in_a_zone_file() {
        let caa = Caa::issue("letsencrypt.org; validationmethods=dns-01").unwrap();
        assert_eq!(
            caa.to_string(),
            "0 issue \"letsencrypt.org; validationmethods=dns-01\""
        );
        assert!(Caa::issue("a\nb").is_err() && Caa::new(false, "a b", "c").is_err());
    }

    proptest! {
        #[test]
        fn a_text_leads_back_to_the_data(critical: bool, tag in "[a-z0-9]{1,15}", value in "[ -~]{0,255}") {
            let caa = Caa::new(critical, &tag, &value).unwrap();
            prop_assert_eq!(caa.to_string().parse::<Caa>().unwrap(), caa);
        }

        #[test]
        fn no_text_is_a_surprise(text in ".{0,80}") {
            let _ = text.parse::<Caa>();
        }
    }
}
