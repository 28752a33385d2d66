//! What stands at a name before it moves: mail and web that would be gone.

use std::net::SocketAddr;

use hickory_proto::rr::{Record, RecordType};
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::name::DomainName;
use crate::probe::{DelegationReport, ParentSays, ProbeConfig};
use crate::query::{Question, Reply, ask};

/// A record that stands at the name, or below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExistingRecord {
    /// Its name.
    pub name: DomainName,
    /// Its kind.
    pub kind: String,
    /// Its data.
    pub data: String,
    /// Seconds that it may be cached.
    pub ttl: u32,
}

/// What was found at a name, as far as it can be found by asking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Existing {
    /// The records.
    pub records: Vec<ExistingRecord>,
    /// Nobody could be asked: nothing is known.
    pub unknown: bool,
}

impl Existing {
    /// Asks the servers that answer for a name now.
    pub async fn at(domain: &DomainName, report: &DelegationReport, probe: &ProbeConfig) -> Self {
        let Some(server) = answering(report, probe) else {
            return Self {
                unknown: true,
                ..Self::default()
            };
        };
        let mut found = Self::default();
        let kinds = [
            RecordType::MX,
            RecordType::TXT,
            RecordType::A,
            RecordType::AAAA,
            RecordType::CNAME,
        ];
        for kind in kinds {
            found.add(server, domain, kind).await;
        }
        for (prefix, kind) in [
            ("_dmarc", RecordType::TXT),
            ("www", RecordType::A),
            ("www", RecordType::AAAA),
        ] {
            if let Ok(name) = domain.child(prefix) {
                found.add(server, &name, kind).await;
            }
        }
        found
    }

    /// Asks the servers of the zone around a name that is not delegated for what they answer for it. What a wildcard answers for
    /// every name does not count.
    pub async fn inside(domain: &DomainName, report: &DelegationReport, probe: &ProbeConfig) -> Self {
        let parents = report.evidence.parents.iter();
        let mut answering =
            parents.filter(|parent| matches!(parent.says, ParentSays::NotDelegated | ParentSays::NoSuchName));
        let Some(server) = answering.next() else {
            return Self::default();
        };
        let server = SocketAddr::new(server.server.address, probe.port);
        let kinds = [
            RecordType::A,
            RecordType::AAAA,
            RecordType::CNAME,
            RecordType::MX,
            RecordType::TXT,
        ];
        let (mut found, mut anywhere) = (Self::default(), Self::default());
        for kind in kinds {
            found.add(server, domain, kind).await;
        }
        let label = format!("check-{:016x}", rand::rng().random::<u64>());
        let sibling = domain.parent().and_then(|parent| parent.child(&label).ok());
        if let Some(sibling) = sibling.filter(|_| !found.records.is_empty()) {
            for kind in kinds {
                anywhere.add(server, &sibling, kind).await;
            }
        }
        let same =
            |one: &ExistingRecord, other: &ExistingRecord| one.kind == other.kind && one.data == other.data;
        found
            .records
            .retain(|one| !anywhere.records.iter().any(|other| same(one, other)));
        found
    }

    async fn add(&mut self, server: SocketAddr, name: &DomainName, kind: RecordType) {
        let Ok(question) = Question::new(name, kind) else {
            return;
        };
        match ask(server, &question).await {
            Ok(reply) => self.records.extend(read(&reply, name, kind)),
            Err(_) => self.unknown = true,
        }
    }

    /// Hosts that take mail for the name; a null MX (RFC 7505) says that none does.
    pub fn mail_hosts(&self) -> Vec<&str> {
        let mx = self.of("MX").filter_map(|record| record.data.split(' ').nth(1));
        mx.filter(|host| *host != ".").collect()
    }

    /// Says that mail is sent in the name (SPF, RFC 7208).
    pub fn sends_mail(&self) -> bool {
        let spf = self.of("TXT").filter(|record| record.data.contains("v=spf1"));
        spf.map(|record| record.data.trim_matches('"'))
            .any(|policy| policy.trim() != "v=spf1 -all")
    }

    /// Addresses and aliases of the name, and of `www` below it.
    pub fn web(&self) -> Vec<String> {
        let leads = |record: &&ExistingRecord| matches!(record.kind.as_str(), "A" | "AAAA" | "CNAME");
        let leading = self.records.iter().filter(leads);
        leading
            .map(|record| format!("{} {} {}", record.name, record.kind, record.data))
            .collect()
    }

    /// Seconds after which every cache has forgotten these records.
    pub fn forgotten_after(&self) -> u32 {
        self.records
            .iter()
            .map(|record| record.ttl)
            .max()
            .unwrap_or_default()
    }

    fn of<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a ExistingRecord> {
        self.records.iter().filter(move |record| record.kind == kind)
    }
}

/// The first server that answers for the zone.
fn answering(report: &DelegationReport, probe: &ProbeConfig) -> Option<SocketAddr> {
    let at_parent = |name: &str| {
        let hosts = report.evidence.hosts.iter();
        hosts
            .filter(|host| host.at_parent)
            .any(|host| host.name.as_str() == name)
    };
    let servers = report.evidence.servers.iter();
    let mut answering =
        servers.filter(|server| server.soa.seen().is_some() && at_parent(&server.server.name));
    let server = answering.next()?;
    Some(SocketAddr::new(server.server.address, probe.port))
}

fn read(reply: &Reply, name: &DomainName, kind: RecordType) -> Vec<ExistingRecord> {
    let own = |record: &&Record| {
        record.record_type() == kind && record.name.to_ascii().eq_ignore_ascii_case(&name.absolute())
    };
    let records = reply.answers().iter().filter(own);
    records
        .map(|record| ExistingRecord {
            name: name.clone(),
            kind: kind.to_string(),
            data: record.data.to_string(),
            ttl: record.ttl,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(records: &[(&str, &str)]) -> Existing {
        let record = |(kind, data): &(&str, &str)| ExistingRecord {
            name: "acme.example".parse().unwrap(),
            kind: (*kind).to_owned(),
            data: (*data).to_owned(),
            ttl: 300,
        };
        Existing {
            records: records.iter().map(record).collect(),
            unknown: false,
        }
    }

    #[test]
    fn only_what_takes_or_sends_mail_is_mail() {
        assert_eq!(
            with(&[("MX", "10 mx.acme.example.")]).mail_hosts(),
            ["mx.acme.example."]
        );
        assert!(
            with(&[("MX", "0 .")]).mail_hosts().is_empty(),
            "a null MX takes none"
        );
        assert!(with(&[("TXT", "\"v=spf1 include:mail.example -all\"")]).sends_mail());
        assert!(!with(&[("TXT", "\"v=spf1 -all\"")]).sends_mail());
        assert!(!with(&[("TXT", "\"hello\"")]).sends_mail());
    }
}
