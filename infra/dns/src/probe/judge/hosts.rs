//! Names and addresses of the zone's servers: by the parent, and by those in charge of them.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::parent::list;
use crate::name::DomainName;
use crate::probe::codes;
use crate::probe::failure::Failure;
use crate::probe::finding::Findings;
use crate::probe::report::Evidence;
use crate::probe::seen::{NameServer, NsSet, ParentSays};

pub(super) fn judge(evidence: &Evidence, findings: &mut Findings) {
    for host in &evidence.hosts {
        addresses(host, findings);
        // A root's addresses come from the file of hints, not from a parent.
        if evidence.parent.is_some() && host.at_parent {
            glue(host, evidence, findings);
        }
    }
    sets(evidence, findings);
}

fn addresses(host: &NameServer, findings: &mut Findings) {
    let name = &host.name;
    match &host.addresses {
        // That nobody can be asked for it is told by the glue, and by the servers themselves.
        crate::probe::Outcome::Failed(Failure::Circular) if host.in_zone => {}
        crate::probe::Outcome::Failed(failure) => match failure {
            Failure::Alias { to } => {
                findings.at(
                    codes::ALIAS,
                    name,
                    format!("the name server `{name}` is an alias of `{to}`"),
                );
            }
            Failure::NoAddress => {
                findings.at(
                    codes::NO_ADDRESS,
                    name,
                    format!("the name server `{name}` has no address"),
                );
            }
            Failure::Spent { .. } => {}
            // With glue there are addresses to ask all the same, and each failure is told of them.
            _ if host.in_zone && !host.glue.is_empty() => {}
            failure => findings.at(
                codes::HOST_STUCK,
                name,
                format!("the addresses of the name server `{name}` cannot be found: {failure}"),
            ),
        },
        crate::probe::Outcome::Seen(_) => {}
    }
}

fn glue(host: &NameServer, evidence: &Evidence, findings: &mut Findings) {
    let name = &host.name;
    let delegates = |parent: &&crate::probe::ParentServer| matches!(parent.says, ParentSays::Delegates(_));
    let delegates = evidence.parents.iter().any(|parent| delegates(&parent));
    if host.in_zone && delegates && host.glue.is_empty() {
        findings.at(
            codes::GLUE_MISSING,
            name,
            format!("the parent gives no address along for `{name}`"),
        );
        return;
    }
    let Some(own) = host.addresses.seen() else { return };
    if host.glue.is_empty() || host.glue == *own || !delegates {
        return;
    }
    let both = host.glue.intersection(own).next().is_some();
    let code = if both {
        codes::GLUE_PARTIAL
    } else {
        codes::GLUE_DIFFERS
    };
    findings.at(
        code,
        name,
        format!(
            "the parent gives {} along for `{name}`, which has {}",
            addresses_of(&host.glue),
            addresses_of(own)
        ),
    );
}

fn addresses_of(addresses: &BTreeSet<IpAddr>) -> String {
    let texts: Vec<String> = addresses.iter().map(ToString::to_string).collect();
    texts.join(" and ")
}

/// The parent's set beside the zone's own.
fn sets(evidence: &Evidence, findings: &mut Findings) {
    let own: Vec<(&crate::probe::ServerAt, &NsSet)> = evidence
        .servers
        .iter()
        .filter_map(|server| Some((&server.server, server.ns.seen()?)))
        .collect();
    let different: BTreeSet<&BTreeSet<DomainName>> = own.iter().map(|(_, set)| &set.names).collect();
    if different.len() > 1 {
        for names in different {
            let servers = own.iter().filter(|(_, set)| set.names == *names);
            let servers: Vec<String> = servers.map(|(server, _)| server.to_string()).collect();
            findings.at(
                codes::NS_DISAGREE,
                &format!("{}: {}", servers.join(", "), list(names)),
                "the zone's servers do not name the same name servers",
            );
        }
    }
    let delegated: BTreeSet<DomainName> = evidence
        .parents
        .iter()
        .filter_map(|parent| match &parent.says {
            ParentSays::Delegates(set) => Some(set),
            _ => None,
        })
        .flat_map(|set| set.names.iter().cloned())
        .collect();
    let own: BTreeSet<DomainName> = own
        .iter()
        .flat_map(|(_, set)| set.names.iter().cloned())
        .collect();
    if delegated.is_empty() || own.is_empty() || delegated == own {
        return;
    }
    let only_parent = delegated.difference(&own).cloned().collect();
    let only_own = own.difference(&delegated).cloned().collect();
    if delegated.intersection(&own).next().is_none() {
        findings.add(
            codes::NS_DISJOINT,
            format!("the parent names {}, the zone {}", list(&delegated), list(&own)),
        );
        return;
    }
    for (names, side) in [(only_parent, "parent"), (only_own, "zone itself")] {
        let names: BTreeSet<DomainName> = names;
        for name in names {
            findings.at(
                codes::NS_DIFFERS,
                &name,
                format!("only the {side} names the name server `{name}`"),
            );
        }
    }
}
