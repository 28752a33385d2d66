//! What the parent's servers say, each by itself and compared.

use std::collections::{BTreeMap, BTreeSet};

use crate::name::DomainName;
use crate::probe::codes;
use crate::probe::expectation::{Progress, Side};
use crate::probe::failure::Failure;
use crate::probe::finding::Findings;
use crate::probe::report::{Evidence, Standing};
use crate::probe::seen::{DsSeen, ParentSays};
use crate::probe::survey::set_of;

pub(super) fn judge(evidence: &Evidence, progress: Option<&Progress>, findings: &mut Findings) {
    lame(evidence, findings);
    mixed(evidence, findings);
    if let Some(progress) = progress {
        measured(progress, findings);
    }
    bad_names(evidence, findings);
    few(evidence, findings);
    ds(evidence, findings);
}

fn lame(evidence: &Evidence, findings: &mut Findings) {
    for parent in &evidence.parents {
        match &parent.says {
            ParentSays::Fails {
                failure: Failure::NoRoute,
            } => {
                findings.at(codes::NO_ROUTE, &parent.server, "not reachable from here");
            }
            ParentSays::Fails {
                failure: Failure::Spent { .. },
            } => {}
            ParentSays::Fails { failure } => findings.at(
                codes::PARENT_LAME,
                &parent.server,
                format!("a server of the parent does not help: {failure}"),
            ),
            ParentSays::HoldsIt(_) => findings.at(
                codes::HIDDEN,
                &parent.server,
                "a server of the parent holds the zone, too: what it delegates cannot be seen",
            ),
            _ => {}
        }
    }
}

/// What a server says, for comparison and for people.
fn words(says: &ParentSays) -> Option<String> {
    match says {
        ParentSays::Delegates(set) => Some(list(&set.names)),
        ParentSays::NotDelegated => Some("no delegation".to_owned()),
        ParentSays::NoSuchName => Some("no such name".to_owned()),
        ParentSays::HoldsIt(_) | ParentSays::Fails { .. } => None,
    }
}

fn mixed(evidence: &Evidence, findings: &mut Findings) {
    let mut sayings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for parent in &evidence.parents {
        if let Some(words) = words(&parent.says) {
            sayings.entry(words).or_default().push(parent.server.to_string());
        }
    }
    if sayings.len() < 2 {
        return;
    }
    for (words, servers) in sayings {
        findings.at(
            codes::MIXED,
            &format!("{}: {words}", servers.join(", ")),
            "the servers of the parent do not say the same",
        );
    }
}

fn measured(progress: &Progress, findings: &mut Findings) {
    for shown in &progress.servers {
        let what = match shown.side {
            Side::New | Side::Lame => continue,
            Side::Old => "still the old name servers",
            Side::Mixed => "old and new name servers",
            Side::Other => "other name servers than expected",
            Side::Absent => "no delegation",
        };
        findings.at(
            codes::UNEXPECTED,
            &shown.server,
            format!("the parent shows {what}"),
        );
    }
    if progress.overall == Side::Lame {
        findings.add(codes::UNEXPECTED, "no server of the parent shows anything");
    }
}

fn bad_names(evidence: &Evidence, findings: &mut Findings) {
    let own = evidence.servers.iter().filter_map(|server| {
        let set = server.ns.seen()?;
        Some((&server.server, set))
    });
    let parents = evidence.parents.iter().filter_map(|parent| {
        let set = set_of(&parent.says)?;
        Some((&parent.server, set))
    });
    for (server, set) in parents.chain(own) {
        for bad in &set.unreadable {
            findings.at(
                codes::BAD_NS,
                server,
                format!("`{}` cannot be a name server", printable(bad)),
            );
        }
    }
}

fn few(evidence: &Evidence, findings: &mut Findings) {
    let (Some(zone), Standing::Zone) = (&evidence.zone, &evidence.standing) else {
        return;
    };
    if evidence.parent.is_none() || evidence.hosts.is_empty() {
        return;
    }
    let addresses: BTreeSet<_> = evidence
        .servers
        .iter()
        .map(|server| server.server.address)
        .collect();
    if evidence.hosts.len() < 2 {
        findings.add(codes::FEW, format!("`{zone}` has one name server only"));
    } else if addresses.len() == 1 {
        findings.add(
            codes::FEW,
            format!("all name servers of `{zone}` have one and the same address"),
        );
    }
}

fn ds(evidence: &Evidence, findings: &mut Findings) {
    let mut sayings: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for parent in &evidence.parents {
        let words = match &parent.ds {
            DsSeen::Present { ds, .. } => ds.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            DsSeen::Absent => "none".to_owned(),
            DsSeen::Unknown => continue,
        };
        sayings.entry(words).or_default().push(parent.server.to_string());
    }
    if sayings.len() < 2 {
        return;
    }
    for (words, servers) in sayings {
        findings.at(
            codes::DS_MIXED,
            &format!("{}: {words}", servers.join(", ")),
            "the servers of the parent do not vouch for the same keys",
        );
    }
}

pub(super) fn list(names: &BTreeSet<DomainName>) -> String {
    let names: Vec<&str> = names.iter().map(DomainName::as_str).collect();
    names.join(" ")
}

fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .take(80)
        .collect()
}
