//! From what was seen to what is wrong. Pure: nothing here asks.

mod dnssec;
mod hosts;
mod parent;
mod servers;
#[cfg(test)]
mod tests;

use super::codes;
use super::expectation::{Expectation, Progress};
use super::failure::Failure;
use super::finding::{DelegationFinding, Findings};
use super::report::{Evidence, Standing};

/// Everything that is wrong, the heaviest first.
pub(super) fn judge(
    evidence: &Evidence,
    expectation: &Expectation,
    progress: Option<&Progress>,
) -> Vec<DelegationFinding> {
    let mut findings = Findings::default();
    standing(evidence, expectation, &mut findings);
    parent::judge(evidence, progress, &mut findings);
    hosts::judge(evidence, &mut findings);
    servers::judge(evidence, &mut findings);
    dnssec::judge(evidence, &mut findings);
    if evidence.incomplete {
        findings.add(
            codes::SPENT,
            "the check stopped at its bounds before everything was asked",
        );
    }
    findings.into_sorted()
}

fn standing(evidence: &Evidence, expectation: &Expectation, findings: &mut Findings) {
    let Evidence {
        name, zone, parent, ..
    } = evidence;
    let holder = if expectation.is_empty() { zone } else { parent };
    let holder = holder
        .as_ref()
        .or(parent.as_ref())
        .map_or("the root", |zone| zone.as_str());
    match &evidence.standing {
        Standing::Zone => {}
        Standing::NoSuchName => {
            findings.add(codes::ABSENT, format!("there is no `{name}` in `{holder}`"));
        }
        Standing::Inside | Standing::Alias { .. } if !expectation.is_empty() => {
            findings.add(codes::ABSENT, format!("`{name}` is not delegated by `{holder}`"));
        }
        Standing::Inside => {
            findings.add(
                codes::INSIDE,
                format!("`{name}` is no zone of its own; it lies in `{holder}`"),
            );
        }
        Standing::Alias { to } => {
            findings.add(
                codes::INSIDE,
                format!("`{name}` is an alias of `{to}`; it lies in `{holder}`"),
            );
        }
        Standing::Stuck { failures } => stuck(evidence, failures, findings),
    }
}

fn stuck(evidence: &Evidence, failures: &[super::report::StuckAt], findings: &mut Findings) {
    let zone = evidence
        .zone
        .as_ref()
        .map_or_else(|| "the root".to_owned(), ToString::to_string);
    let message = format!("no server of `{zone}` leads on to `{}`", evidence.name);
    if failures.is_empty() {
        findings.add(codes::STUCK, message.as_str());
    }
    for stuck in failures {
        // Where its address is not known there is only a name.
        let at = if stuck.server.address.is_unspecified() {
            stuck.server.name.clone()
        } else {
            stuck.server.to_string()
        };
        findings.at(
            codes::STUCK,
            &format!("{at}: {}", stuck.failure),
            message.as_str(),
        );
    }
    if failures.iter().all(|stuck| stuck.failure == Failure::NoRoute) && !failures.is_empty() {
        findings.add(codes::NO_ROUTE, "no address of a server can be reached from here");
    }
}
