//! A customer's domain as it is before anybody changes it: a zone at the hosting that it has always had.

use super::PrivateDns;
use super::record_set::RecordSet;
use super::zones::{self, HOSTING};

/// A customer's domain on its old servers. It has `www` and `console`; the apex leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomerDomain {
    /// Its name, without the dot at the end.
    pub name: String,
    /// The old zone is signed, and the parent has its DS.
    pub signed: bool,
    /// Mail for it goes somewhere: MX and SPF at the apex.
    pub mail: bool,
    /// Seconds that caches keep everything in the old zone.
    pub ttl: u32,
}

impl CustomerDomain {
    /// Unsigned, without mail, forgotten after two seconds.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            signed: false,
            mail: false,
            ttl: 2,
        }
    }

    /// The same, signed.
    #[must_use]
    pub fn signed(self) -> Self {
        Self { signed: true, ..self }
    }

    /// The same with mail.
    #[must_use]
    pub fn with_mail(self) -> Self {
        Self { mail: true, ..self }
    }

    /// The zone's name.
    pub(super) fn zone(&self) -> String {
        format!("{}.", self.name)
    }

    /// The old zone.
    pub(super) fn records(&self) -> Vec<RecordSet> {
        let (zone, ttl) = (self.zone(), self.ttl);
        let servers = PrivateDns::HOSTING.map(|host| format!("{host}."));
        let mut sets = vec![
            zones::soa(&zone, HOSTING, ttl),
            RecordSet::new(&zone, "NS", ttl, &servers),
            RecordSet::new(&format!("www.{zone}"), "A", ttl, &["192.0.2.80"]),
            RecordSet::new(&format!("console.{zone}"), "A", ttl, &["192.0.2.81"]),
        ];
        if self.mail {
            sets.push(RecordSet::new(&zone, "MX", ttl, &[format!("10 mail.{zone}")]));
            sets.push(RecordSet::new(&zone, "TXT", ttl, &["\"v=spf1 mx -all\""]));
            sets.push(RecordSet::new(&format!("mail.{zone}"), "A", ttl, &["192.0.2.25"]));
        }
        sets
    }
}
