//! The proof that secondaries answer as their primary does, and that nobody gets a zone without a key.

use std::net::SocketAddr;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::{RData, RecordType};

use super::Supply;
use crate::check::{ZoneFinding, ZoneProblem, check_at};
use crate::error::DnsError;
use crate::host::ZoneHost;
use crate::name::DomainName;
use crate::publish::Published;
use crate::query::{AskError, Patience, Question, of, tcp, udp};
use crate::record::RecordKind;
use crate::zone::ZoneRequest;

/// Asks every secondary for everything in the zone, for the serial that its primary has, and, as anybody might, for the whole zone.
/// Only an empty list says that all of them are as wanted.
pub async fn check_secondaries(
    primary: &dyn ZoneHost,
    request: &ZoneRequest,
    published: &Published,
    supply: &Supply,
) -> Result<Vec<ZoneFinding>, DnsError> {
    if supply.secondaries.is_empty() {
        return Ok(Vec::new());
    }
    let zone = &request.name;
    let addresses = primary.facts().await?.answers_at;
    let mut findings = Vec::new();
    let mut serial = None;
    for address in &addresses {
        if serial.is_none() {
            serial = serial_at(*address, zone).await.ok();
        }
        for given in std::iter::once(zone).chain(&supply.catalog) {
            findings.extend(open(*address, given).await);
        }
    }
    for secondary in &supply.secondaries {
        let address = secondary.address;
        let found = check_at(&[address], secondary.host.as_deref(), request, &published.ds).await?;
        let answers = found.iter().all(|finding| finding.kind != RecordKind::Dnskey);
        findings.extend(found);
        if answers {
            findings.extend(behind(address, zone, serial).await);
            findings.extend(open(address, zone).await);
        }
    }
    Ok(findings)
}

fn finding(server: SocketAddr, zone: &DomainName, kind: &str, problem: ZoneProblem) -> ZoneFinding {
    ZoneFinding {
        server: server.to_string(),
        name: zone.clone(),
        kind: kind.into(),
        problem,
    }
}

/// A copy that is not the primary's.
async fn behind(server: SocketAddr, zone: &DomainName, primary: Option<u32>) -> Option<ZoneFinding> {
    let problem = match (serial_at(server, zone).await, primary) {
        (Ok(found), Some(wanted)) if found == wanted => return None,
        (Ok(found), Some(wanted)) => ZoneProblem::Serial { wanted, found },
        (Ok(_), None) => ZoneProblem::Unanswered("the primary says no serial to compare with".to_owned()),
        (Err(error), _) => ZoneProblem::Unanswered(error.to_string()),
    };
    Some(finding(server, zone, "SOA", problem))
}

pub(crate) async fn serial_at(server: SocketAddr, zone: &DomainName) -> Result<u32, AskError> {
    let question = Question::new(zone, RecordType::SOA)?;
    let reply = udp(server, &question, Patience::default()).await?;
    let serial = of(reply.answers(), zone, RecordType::SOA).find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    });
    serial.ok_or_else(|| AskError::Garbage("it has no start of authority".to_owned()))
}

/// A server that gives the whole zone to somebody without a key. One that hangs up gives nothing.
async fn open(server: SocketAddr, zone: &DomainName) -> Option<ZoneFinding> {
    let question = Question::new(zone, RecordType::AXFR).ok()?;
    let gives = match tcp(server, &question, Patience::default()).await {
        Ok(reply) => reply.code() == ResponseCode::NoError && !reply.answers().is_empty(),
        // So many records that they are not read.
        Err(AskError::Garbage(_)) => true,
        Err(_) => false,
    };
    gives.then(|| finding(server, zone, "AXFR", ZoneProblem::Open))
}
