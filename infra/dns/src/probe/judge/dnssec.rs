//! The chain of trust and the signatures.

use std::collections::BTreeSet;

use crate::name::DomainName;
use crate::probe::chain::{Link, LinkProblem, Security};
use crate::probe::codes;
use crate::probe::denial::Denial;
use crate::probe::finding::Findings;
use crate::probe::report::Evidence;
use crate::probe::seen::{KeySeen, ServerAt};
use crate::signature::{RENEWED, span};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    let Some((last, above)) = split(evidence) else {
        return;
    };
    for link in above {
        upper(link, findings);
    }
    let mut by_servers = false;
    for (server, proof) in evidence.servers.iter().zip(&evidence.proofs) {
        if let Some(link) = &proof.link {
            by_servers = true;
            for problem in &link.problems {
                tell(problem, link, Some(&server.server), findings);
            }
        }
        for set in &proof.sets {
            signatures(set, &server.server, findings);
        }
    }
    let Some(link) = last else { return };
    if !by_servers {
        for problem in &link.problems {
            tell(problem, link, None, findings);
        }
    }
    state(link, above, findings);
    keys(evidence, findings);
}

/// The link to the zone itself, where there is a zone, and those above it.
fn split(evidence: &Evidence) -> Option<(Option<&Link>, &[Link])> {
    if evidence.zone.is_none() {
        return Some((None, &evidence.path));
    }
    let (last, above) = evidence.path.split_last()?;
    Some((Some(last), above))
}

/// A break further up: its first link is told, those below follow from it.
fn upper(link: &Link, findings: &mut Findings) {
    let zone = &link.zone;
    if link.security != Security::Bogus {
        not_validated(link, findings);
        if link.problems.contains(&LinkProblem::Unknown) {
            findings.at(
                codes::UNKNOWN,
                &named(zone),
                "the zone's keys could not be fetched",
            );
        }
        if link.problems.contains(&LinkProblem::NoAnchor) {
            findings.add(codes::UNANCHORED, "there is no trust anchor for these roots");
        }
        return;
    }
    for problem in link
        .problems
        .iter()
        .filter(|problem| **problem != LinkProblem::Above)
    {
        let message = format!("the chain of trust breaks at `{zone}`: {}", words(problem));
        findings.at(codes::ABOVE, &named(zone), message);
    }
}

/// What is wrong with a link, in one line.
fn words(problem: &LinkProblem) -> String {
    match problem {
        LinkProblem::Above => "it breaks further up".to_owned(),
        LinkProblem::NoAnchor => "there is no trust anchor".to_owned(),
        LinkProblem::Unknown => "its keys could not be fetched".to_owned(),
        LinkProblem::DsSignature { why } => format!("the parent's DS records: {why}"),
        LinkProblem::NoKeys => "the parent vouches for keys, and the zone has none".to_owned(),
        LinkProblem::DsWithoutKey { ds } => format!(
            "the DS record for key {} (algorithm {}) fits no key of the zone",
            ds.key_tag, ds.algorithm
        ),
        LinkProblem::Digest { ds } => format!(
            "the DS record for key {} has a digest (type {}) that is not that key's",
            ds.key_tag, ds.digest_kind
        ),
        LinkProblem::UnknownWays { ds } => {
            let ways: BTreeSet<String> = ds
                .iter()
                .map(|ds| format!("algorithm {} with digest type {}", ds.algorithm, ds.digest_kind))
                .collect();
            let ways: Vec<String> = ways.into_iter().collect();
            format!("the parent vouches only by {}", ways.join(", "))
        }
        LinkProblem::KeySignature { why } => format!("the zone's keys: {why}"),
    }
}

fn tell(problem: &LinkProblem, link: &Link, server: Option<&ServerAt>, findings: &mut Findings) {
    let holds = !link.trusted.is_empty();
    let code = match problem {
        // Told where it breaks.
        LinkProblem::Above => return,
        LinkProblem::NoAnchor => codes::UNANCHORED,
        LinkProblem::Unknown => codes::UNKNOWN,
        LinkProblem::DsSignature { .. } => codes::DS_SIGNATURE,
        LinkProblem::NoKeys => codes::NO_KEYS,
        LinkProblem::DsWithoutKey { .. } | LinkProblem::Digest { .. } if holds => codes::DS_LEFT_OVER,
        LinkProblem::DsWithoutKey { .. } => codes::DS_STALE,
        LinkProblem::Digest { .. } => codes::DIGEST,
        LinkProblem::UnknownWays { .. } => codes::UNKNOWN_WAYS,
        LinkProblem::KeySignature { .. } => codes::KEY_SIGNATURE,
    };
    match server {
        Some(server) => findings.at(code, server, words(problem)),
        None => findings.add(code, words(problem)),
    }
}

fn signatures(set: &crate::probe::SetProof, server: &ServerAt, findings: &mut Findings) {
    if let Some(problem) = &set.problem {
        let message = format!("the {} records: {problem}", set.kind);
        findings.at(codes::SIGNATURE, server, message);
    }
    if let Some(remaining) = set.remaining.filter(|remaining| *remaining < RENEWED) {
        // One a set: seconds differ from server to server.
        let message = format!("the signature of the {} records is about to expire", set.kind);
        findings.at(
            codes::EXPIRES,
            &format!("{server}: in {}", span(remaining)),
            message,
        );
    }
}

/// What an unbroken or an absent chain is worth.
fn state(link: &Link, above: &[Link], findings: &mut Findings) {
    let zone = named(&link.zone);
    not_validated(link, findings);
    if link.security != Security::Bogus && link.ds.is_empty() {
        let anchored = above.last().is_none_or(|above| above.zone_keys.is_some());
        if !link.keys.is_empty() {
            let why = if anchored {
                "the parent vouches for none of its keys"
            } else {
                "the parent is not signed"
            };
            findings.add(codes::ISLAND, format!("`{zone}` is signed, and {why}"));
        } else if link.security == Security::Insecure {
            findings.add(codes::UNSIGNED, format!("`{zone}` is not signed"));
        }
    }
    let weak = link
        .ds
        .iter()
        .filter(|ds| ds.digest_kind == 1 || matches!(ds.algorithm, 1 | 3 | 5..=7));
    for ds in weak {
        let message = format!(
            "key {} is vouched for by algorithm {} and digest type {}",
            ds.key_tag, ds.algorithm, ds.digest_kind
        );
        findings.add(codes::WEAK, message);
    }
}

fn not_validated(link: &Link, findings: &mut Findings) {
    if let Some(Denial::NotValidated { why }) = &link.denial {
        let zone = named(&link.zone);
        findings.add(
            codes::DENIAL,
            format!("that there is no DS record for `{zone}` is not validated: {why}"),
        );
    }
}

fn keys(evidence: &Evidence, findings: &mut Findings) {
    let seen = evidence.servers.iter().filter_map(|server| {
        let keys = server.keys.seen()?;
        Some((&server.server, &keys.keys))
    });
    let seen: Vec<(&ServerAt, &Vec<KeySeen>)> = seen.collect();
    let different: BTreeSet<&Vec<KeySeen>> = seen.iter().map(|(_, keys)| *keys).collect();
    if different.len() < 2 {
        return;
    }
    for keys in different {
        let servers = seen.iter().filter(|(_, other)| *other == keys);
        let servers: Vec<String> = servers.map(|(server, _)| server.to_string()).collect();
        let tags: Vec<String> = keys.iter().map(|key| key.tag.to_string()).collect();
        let tags = if tags.is_empty() {
            "none".to_owned()
        } else {
            tags.join(" ")
        };
        findings.at(
            codes::KEYS_DISAGREE,
            &format!("{}: {tags}", servers.join(", ")),
            "the zone's servers do not have the same keys",
        );
    }
}

fn named(zone: &DomainName) -> String {
    zone.to_string()
}
