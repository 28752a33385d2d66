//! Whether the servers that a name leads to, or is to lead to, answer for it as they should.

use std::collections::BTreeSet;

use sovereign_core::finding::Severity;

use super::view::ParentView;
use crate::name::DomainName;
use crate::probe::{DelegationFinding, DelegationReport, Failure, ZoneServer};

/// Which of the servers that a name is led to have to answer before anything is changed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MustAnswer {
    /// All of them, with the keys that are to be vouched for, and afterwards as well.
    All,
    /// One of them: what it was before was not our doing.
    One,
    /// None: somebody asked for it.
    None,
}

/// What a look shows of name servers: a line for each that there is something to say of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fitness {
    /// Does not answer for the zone as it should.
    pub wrong: Vec<String>,
    /// Could not be asked from here: nothing is known about it.
    pub unknown: Vec<String>,
}

impl Fitness {
    /// Of these servers. Where no server of the parent said anything, the way to ours may be cut as well: then nothing is wrong for
    /// sure.
    pub fn of(report: &DelegationReport, names: &BTreeSet<DomainName>) -> Self {
        let mut fitness = Self::default();
        for name in names {
            fitness.look_at(report, name, names);
        }
        if !ParentView::of(report).speaks() {
            fitness.unknown.append(&mut fitness.wrong);
        }
        fitness
    }

    /// Of these servers, where one that answers will do.
    pub fn of_any(report: &DelegationReport, names: &BTreeSet<DomainName>) -> Self {
        let mut servers = names.iter().flat_map(|name| servers_of(report, name));
        if servers.any(|server| server.soa.seen().is_some()) {
            return Self::default();
        }
        Self::of(report, names)
    }

    /// Whether there is nothing to say.
    pub fn is_proven(&self) -> bool {
        self.lines().next().is_none()
    }

    /// Every line.
    pub fn lines(&self) -> impl Iterator<Item = &str> {
        self.wrong.iter().chain(&self.unknown).map(String::as_str)
    }

    fn look_at(&mut self, report: &DelegationReport, name: &DomainName, names: &BTreeSet<DomainName>) {
        let evidence = &report.evidence;
        let mut reachable = servers_of(report, name)
            .filter(|server| !is_out_of_reach(server))
            .peekable();
        if reachable.peek().is_none() {
            let host = evidence.hosts.iter().find(|host| host.name == *name);
            if let Some(failure) = host.and_then(|host| host.addresses.failure()) {
                self.note(&format!("`{name}`"), failure);
            } else {
                let line = format!("`{name}`: no address of it can be asked from here");
                self.unknown.push(line);
            }
        }
        for server in reachable {
            let at = &server.server;
            if let Some(failure) = server.soa.failure().or(server.ns.failure()) {
                self.note(at, failure);
            } else if let Some(set) = server.ns.seen().filter(|set| set.names != *names) {
                let told: Vec<&str> = set.names.iter().map(DomainName::as_str).collect();
                self.wrong
                    .push(format!("{at}: names other servers, {}", told.join(" ")));
            }
        }
    }

    fn note(&mut self, place: &impl ToString, failure: &Failure) {
        let line = format!("{}: {failure}", place.to_string());
        if failure.is_ours() {
            self.unknown.push(line);
        } else {
            self.wrong.push(line);
        }
    }
}

/// What else is wrong with these servers by the judgement of the look itself, such as no answers over TCP: one line for each finding.
pub(super) fn faults(report: &DelegationReport, names: &BTreeSet<DomainName>) -> Vec<String> {
    let servers = names.iter().flat_map(|name| servers_of(report, name));
    let places: BTreeSet<String> = servers.map(|server| server.server.to_string()).collect();
    let errors = report
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    let line = |finding: &DelegationFinding| {
        let at: Vec<&str> = finding
            .places
            .iter()
            .map(String::as_str)
            .filter(|place| places.contains(*place))
            .collect();
        (!at.is_empty()).then(|| format!("{}: {}", at.join(", "), finding.message))
    };
    errors.filter_map(line).collect()
}

fn servers_of<'a>(report: &'a DelegationReport, name: &DomainName) -> impl Iterator<Item = &'a ZoneServer> {
    let is_its = |server: &&ZoneServer| server.server.name == name.as_str();
    report.evidence.servers.iter().filter(is_its)
}

fn is_out_of_reach(server: &ZoneServer) -> bool {
    server.soa.failure().is_some_and(Failure::is_ours)
}

#[cfg(test)]
mod tests;
