//! Each address of each name server: whether it answers, as one in charge, in every way that resolvers need.

use std::collections::BTreeMap;

use crate::probe::codes;
use crate::probe::failure::{Failure, Outcome};
use crate::probe::finding::{Code, Findings};
use crate::probe::report::Evidence;
use crate::probe::seen::ZoneServer;

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for server in &evidence.servers {
        match &server.soa {
            Outcome::Failed(failure) => fails(server, failure, findings),
            Outcome::Seen(_) => answers(server, findings),
        }
    }
    if let Some(zone) = &evidence.zone
        && !evidence.servers.iter().any(|server| server.soa.seen().is_some())
    {
        findings.add(codes::NOBODY, format!("no server answers for `{zone}`"));
    }
    serials(evidence, findings);
}

fn fails(server: &ZoneServer, failure: &Failure, findings: &mut Findings) {
    if server.only_without_edns {
        findings.at(
            codes::EDNS,
            &server.server,
            format!("answers without EDNS only; with it: {failure}"),
        );
        return;
    }
    if let Some((code, message)) = failed(failure) {
        let message = match &server.tcp {
            Outcome::Seen(()) if failure.is_silence() => format!("{message} over UDP; TCP works"),
            _ => message,
        };
        findings.at(code, &server.server, message);
    }
}

/// How a failure is told; none for one that is told elsewhere.
fn failed(failure: &Failure) -> Option<(Code, String)> {
    let told = match failure {
        Failure::TimedOut { ignored: 0 } => (codes::SILENT, "no answer".to_owned()),
        Failure::TimedOut { .. } => (
            codes::GARBAGE,
            "only datagrams that answer no question of ours".to_owned(),
        ),
        Failure::Unreachable { .. } => (codes::UNREACHABLE, failure.to_string()),
        Failure::NoRoute => (codes::NO_ROUTE, "not reachable from here".to_owned()),
        Failure::SpecialAddress => (codes::SPECIAL, "no address that the public can reach".to_owned()),
        Failure::Garbage { .. } => (codes::GARBAGE, failure.to_string()),
        Failure::Code { code } => (codes::REFUSES, format!("answers {code}")),
        Failure::NotAuthoritative => (
            codes::NOT_AUTHORITATIVE,
            "answers as one that is not in charge".to_owned(),
        ),
        Failure::RefersElsewhere { to } => (codes::NOT_AUTHORITATIVE, format!("refers to `{to}` instead")),
        Failure::Empty => (codes::REFUSES, "answers without a start of authority".to_owned()),
        Failure::Alias { .. } | Failure::NoAddress | Failure::Circular | Failure::Spent { .. } => {
            return None;
        }
    };
    Some(told)
}

impl Failure {
    fn is_silence(&self) -> bool {
        matches!(self, Self::TimedOut { .. } | Self::Unreachable { .. })
    }
}

fn answers(server: &ZoneServer, findings: &mut Findings) {
    let at = &server.server;
    let Some(soa) = server.soa.seen() else { return };
    if soa.recursion {
        findings.at(codes::RECURSIVE, at, "offers to ask others for anybody");
    }
    if !soa.edns {
        findings.at(codes::EDNS, at, "does not understand EDNS");
    }
    if let Some(failure) = server.tcp.failure().filter(|failure| !failure.is_ours()) {
        findings.at(
            codes::TCP,
            at,
            format!("no answer over TCP: {}", tcp_words(failure)),
        );
    }
    for (what, failure) in [
        ("name servers", server.ns.failure()),
        ("keys", server.keys.failure()),
    ] {
        if let Some(failure) = failure.filter(|failure| !failure.is_ours()) {
            findings.at(
                codes::REFUSES,
                at,
                format!("has the zone and gives no answer about its {what}: {failure}"),
            );
        }
    }
}

fn tcp_words(failure: &Failure) -> String {
    match failure {
        Failure::TimedOut { .. } => "timed out".to_owned(),
        Failure::Unreachable { why } => why.clone(),
        other => other.to_string(),
    }
}

fn serials(evidence: &Evidence, findings: &mut Findings) {
    let mut serials: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for server in &evidence.servers {
        if let Some(soa) = server.soa.seen() {
            serials
                .entry(soa.serial)
                .or_default()
                .push(server.server.to_string());
        }
    }
    if serials.len() < 2 {
        return;
    }
    for (serial, servers) in serials {
        findings.at(
            codes::SERIAL,
            &format!("{}: {serial}", servers.join(", ")),
            "the servers hold different versions of the zone",
        );
    }
}
