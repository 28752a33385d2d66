//! What the servers of a parent show of a name, and what keys its own servers have.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::DomainName;
use crate::probe::{
    DelegationReport, DsSeen, Failure, KeysSeen, Outcome, ParentSays, ParentServer, Standing, ZoneServer,
};
use crate::record::Ds;

/// What one server of the parent shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Says {
    /// A delegation.
    Delegates {
        /// To these.
        ns: BTreeSet<DomainName>,
        /// With these keys; none where it did not say.
        ds: Option<BTreeSet<Ds>>,
    },
    /// No delegation.
    Nothing,
    /// No answer that helps, and why.
    Silent {
        /// Why.
        why: String,
    },
}

/// One server of the parent at one address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServerView {
    /// Its name and address.
    pub server: String,
    /// What it shows.
    pub says: Says,
}

/// What all servers of the parent show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ParentView {
    /// The parent; none where nobody leads to it.
    pub parent: Option<DomainName>,
    /// It is signed, so that it can vouch for keys.
    pub signed: bool,
    /// Each of its servers that can be reached from here.
    pub servers: Vec<ServerView>,
    /// Seconds that caches may keep a DS record seen there.
    pub ds_ttl: u32,
}

impl ParentView {
    /// From a look. Addresses that this machine has no way to are left out: nothing is known about them, and nothing is said.
    /// Without servers nothing is known at all: the way down from the root ended before the name.
    pub fn of(report: &DelegationReport) -> Self {
        let evidence = &report.evidence;
        if evidence.zone.as_ref() != Some(&evidence.name) {
            return Self::default();
        }
        let above = evidence.path.iter().rev().nth(1);
        let signed = evidence.parent.is_some() && above.is_some_and(|link| link.zone_keys.is_some());
        let parents = || evidence.parents.iter().filter(|parent| !is_out_of_reach(parent));
        let ttl = parents().map(|parent| match parent.ds {
            DsSeen::Present { ttl, .. } => ttl,
            DsSeen::Absent | DsSeen::Unknown => 0,
        });
        Self {
            parent: evidence.parent.clone(),
            signed,
            ds_ttl: ttl.max().unwrap_or_default(),
            servers: parents()
                .map(|parent| ServerView {
                    server: parent.server.to_string(),
                    says: says(parent, signed),
                })
                .collect(),
        }
    }

    /// Whether some server says anything.
    pub fn speaks(&self) -> bool {
        self.sets().next().is_some()
    }

    /// Whether every server shows name servers that `fits` is content with; an empty set stands for no delegation.
    pub fn all_show(&self, fits: impl Fn(&BTreeSet<DomainName>) -> bool) -> bool {
        let none = BTreeSet::new();
        !self.servers.is_empty()
            && self.servers.iter().all(|server| match &server.says {
                Says::Delegates { ns, .. } => fits(ns),
                Says::Nothing => fits(&none),
                Says::Silent { .. } => false,
            })
    }

    /// The one set that every server shows, if they agree; empty where the name is not delegated.
    pub fn ns(&self) -> Option<BTreeSet<DomainName>> {
        let first = self.sets().next()?.clone();
        self.all_show(|ns| *ns == first).then_some(first)
    }

    /// Every set of name servers that is shown.
    pub fn sets(&self) -> impl Iterator<Item = &BTreeSet<DomainName>> {
        static NONE: BTreeSet<DomainName> = BTreeSet::new();
        self.servers.iter().filter_map(|server| match &server.says {
            Says::Delegates { ns, .. } => Some(ns),
            Says::Nothing => Some(&NONE),
            Says::Silent { .. } => None,
        })
    }

    /// Every key that some server vouches for.
    pub fn ds(&self) -> BTreeSet<Ds> {
        let of = |server: &ServerView| match &server.says {
            Says::Delegates { ds, .. } => ds.clone(),
            Says::Nothing | Says::Silent { .. } => None,
        };
        self.servers.iter().filter_map(of).flatten().collect()
    }

    /// Whether every server says which keys it vouches for, and `fits` is content with them.
    pub fn all_vouch(&self, fits: impl Fn(&BTreeSet<Ds>) -> bool) -> bool {
        let none = BTreeSet::new();
        !self.servers.is_empty()
            && self.servers.iter().all(|server| match &server.says {
                Says::Delegates { ds, .. } => ds.as_ref().is_some_and(&fits),
                // Without a delegation there is nothing to vouch for.
                Says::Nothing => fits(&none),
                Says::Silent { .. } => false,
            })
    }
}

/// One line: what is shown, and by whom, where they differ.
impl fmt::Display for ParentView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut by: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for ServerView { server, says } in &self.servers {
            by.entry(says.to_string()).or_default().push(server);
        }
        if by.is_empty() {
            return f.write_str("no server of the parent could be asked");
        }
        let all = by.len() == 1;
        for (index, (words, servers)) in by.into_iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            let servers = if all {
                format!("all {} servers of the parent", servers.len())
            } else {
                servers.join(", ")
            };
            write!(f, "{servers}: {words}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Says {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Delegates { ns, ds } => {
                let ns: Vec<&str> = ns.iter().map(DomainName::as_str).collect();
                write!(f, "NS {}", ns.join(" "))?;
                for ds in ds.iter().flatten() {
                    write!(f, ", DS {} {} {}", ds.key_tag, ds.algorithm, ds.digest_kind)?;
                }
                Ok(())
            }
            Self::Nothing => f.write_str("no delegation"),
            Self::Silent { why } => write!(f, "no help: {why}"),
        }
    }
}

fn is_out_of_reach(parent: &ParentServer) -> bool {
    matches!(
        parent.says,
        ParentSays::Fails {
            failure: Failure::NoRoute
        }
    )
}

fn says(parent: &ParentServer, signed: bool) -> Says {
    match &parent.says {
        ParentSays::Delegates(set) | ParentSays::HoldsIt(set) => Says::Delegates {
            ns: set.names.clone(),
            ds: match &parent.ds {
                DsSeen::Present { ds, .. } => Some(ds.iter().cloned().collect()),
                DsSeen::Absent => Some(BTreeSet::new()),
                // A parent that is not signed vouches for nothing.
                DsSeen::Unknown => (!signed).then(BTreeSet::new),
            },
        },
        ParentSays::NotDelegated | ParentSays::NoSuchName => Says::Nothing,
        ParentSays::Fails { failure } => Says::Silent {
            why: failure.to_string(),
        },
    }
}

/// Seconds after which every cache has forgotten what the parent and these name servers say now; upper bounds, from the TTLs
/// that were seen.
pub fn forgotten_after(report: &DelegationReport, names: &BTreeSet<DomainName>) -> u32 {
    let evidence = &report.evidence;
    let is_one = |name: &str| names.iter().any(|one| one.as_str() == name);
    let parents = evidence.parents.iter().map(|parent| {
        let set = match &parent.says {
            ParentSays::Delegates(set) | ParentSays::HoldsIt(set) => set.ttl.max(set.glue_ttl),
            _ => 0,
        };
        match parent.ds {
            DsSeen::Present { ttl, .. } => set.max(ttl),
            DsSeen::Absent | DsSeen::Unknown => set,
        }
    });
    let hosts = evidence.hosts.iter().filter(|host| names.contains(&host.name));
    let hosts = hosts.map(|host| host.ttl);
    let servers = evidence
        .servers
        .iter()
        .filter(|server| is_one(&server.server.name));
    let servers = servers.map(|server| {
        let ns = server.ns.seen().map(|set| set.ttl);
        let keys = server.keys.seen().map(|keys| keys.ttl);
        let negative = server.soa.seen().map(|soa| soa.negative_ttl);
        [ns, keys, negative]
            .into_iter()
            .flatten()
            .max()
            .unwrap_or_default()
    });
    // That the parent knows nothing is remembered, too.
    let absent = matches!(evidence.standing, Standing::NoSuchName | Standing::Inside);
    let negative = evidence.parent_soa.iter().filter(|_| absent);
    let negative = negative.map(|soa| soa.negative_ttl);
    parents
        .chain(hosts)
        .chain(servers)
        .chain(negative)
        .max()
        .unwrap_or_default()
}

/// Whether one of these name servers answers with keys of the name.
pub(super) fn signs(report: &DelegationReport, names: &BTreeSet<DomainName>) -> bool {
    let is_one = |name: &str| names.iter().any(|one| one.as_str() == name);
    let mut servers = report.evidence.servers.iter();
    servers.any(|server| {
        let keys = server.keys.seen();
        is_one(&server.server.name) && keys.is_some_and(|seen| !seen.keys.is_empty())
    })
}

/// Which of these name servers lack some of these keys, or do not answer for them: one line for each address. One that is silent
/// altogether lacks none.
pub fn keyless(report: &DelegationReport, names: &BTreeSet<DomainName>, keys: &BTreeSet<Ds>) -> Vec<String> {
    let is_one = |name: &str| names.iter().any(|one| one.as_str() == name);
    let servers = report
        .evidence
        .servers
        .iter()
        .filter(|server| is_one(&server.server.name) && server.soa.seen().is_some());
    let line = |server: &ZoneServer| {
        let lacks = lacks(&server.keys, keys)?;
        Some(format!("{}: {lacks}", server.server))
    };
    servers.filter_map(line).collect()
}

fn lacks(seen: &Outcome<KeysSeen>, keys: &BTreeSet<Ds>) -> Option<String> {
    let there = match seen {
        Outcome::Seen(seen) => &seen.keys,
        Outcome::Failed(failure) => {
            let matters = !keys.is_empty() && !failure.is_ours();
            return matters.then(|| format!("no answer about its keys: {failure}"));
        }
    };
    let is_there = |ds: &Ds| {
        there
            .iter()
            .any(|key| (key.tag, key.algorithm) == (ds.key_tag, ds.algorithm))
    };
    let missing: Vec<String> = keys
        .iter()
        .filter(|ds| !is_there(ds))
        .map(|ds| ds.key_tag.to_string())
        .collect();
    (!missing.is_empty()).then(|| format!("lacks key {}", missing.join(", ")))
}

#[cfg(test)]
mod tests;
