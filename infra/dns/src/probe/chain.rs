//! The chain of trust, link by link, each with its reasons. Pure: nothing here asks.

use std::collections::BTreeSet;

use hickory_proto::dnssec::Algorithm;
use hickory_proto::rr::{Record, RecordType};
use serde::Serialize;

use super::denial::{self, Denial};
use super::reading;
use super::seen::{DsSeen, KeySeen};
use crate::name::DomainName;
use crate::record::Ds;
use crate::signature::{self, SignatureProblem, ZoneKeys};

/// How far a zone's data can be trusted (RFC 4035 section 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Security {
    /// An unbroken chain of signatures leads to it from the trust anchor.
    Secure,
    /// The chain ends above it, and is meant to.
    Insecure,
    /// It cannot be told.
    Indeterminate,
    /// The chain is broken: validating resolvers answer nothing.
    Bogus,
}

impl Security {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Secure => "secure",
            Self::Insecure => "insecure",
            Self::Indeterminate => "indeterminate",
            Self::Bogus => "bogus",
        }
    }
}

/// What is wrong with a link, for those who judge it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum LinkProblem {
    /// The zone above is no better.
    Above,
    /// Nobody says which keys the root has.
    NoAnchor,
    /// The keys, or what the parent says about them, could not be fetched.
    Unknown,
    /// The parent's records about the keys do not validate.
    DsSignature {
        /// Why.
        why: String,
    },
    /// The parent vouches for keys, and the zone has none.
    NoKeys,
    /// The parent vouches for a key that the zone does not have.
    DsWithoutKey {
        /// The record.
        ds: Ds,
    },
    /// The zone has a key of that tag and algorithm, and its digest is another.
    Digest {
        /// The record.
        ds: Ds,
    },
    /// The parent vouches only in ways that nobody here understands, which counts as not vouching.
    UnknownWays {
        /// The records.
        ds: Vec<Ds>,
    },
    /// The keys are not signed by one that the parent vouches for.
    KeySignature {
        /// Why.
        why: String,
    },
}

/// One link of the chain.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Link {
    /// The zone that it leads to.
    pub zone: DomainName,
    /// How far it reaches.
    pub security: Security,
    /// What the parent vouches for; the trust anchor, for the root.
    pub ds: Vec<Ds>,
    /// The zone's keys.
    pub keys: Vec<KeySeen>,
    /// Tags of the keys that the parent vouches for and that sign.
    pub trusted: Vec<u16>,
    /// Where the parent vouches for none: how sure that is.
    pub denial: Option<Denial>,
    /// What is wrong. Some of it may be there in a link that holds, such as a DS record left over.
    pub problems: Vec<LinkProblem>,
    /// The keys themselves.
    #[serde(skip)]
    pub(crate) zone_keys: Option<ZoneKeys>,
}

impl Link {
    fn new(zone: &DomainName, security: Security) -> Self {
        Self {
            zone: zone.clone(),
            security,
            ds: Vec::new(),
            keys: Vec::new(),
            trusted: Vec::new(),
            denial: None,
            problems: Vec::new(),
            zone_keys: None,
        }
    }

    fn with(mut self, security: Security, problem: LinkProblem) -> Self {
        self.security = self.security.max(security);
        self.problems.push(problem);
        self
    }
}

/// The link to the root. `anchor`: what is believed of its keys, if anything.
pub(super) fn root(anchor: Option<&[Ds]>, keys: Option<&[Record]>, now: u32) -> Link {
    let root = DomainName::root();
    let mut link = Link::new(&root, Security::Secure);
    let Some(records) = keys else {
        return link.with(Security::Indeterminate, LinkProblem::Unknown);
    };
    let zone_keys = ZoneKeys::read(&root, records);
    link.keys = reading::keys(records, &root).keys;
    if let Some(anchor) = anchor {
        link.ds = anchor.to_vec();
        return vouched(link, &zone_keys, records, now);
    }
    if zone_keys.is_empty() {
        link.security = Security::Insecure;
    } else {
        link = link.with(Security::Indeterminate, LinkProblem::NoAnchor);
        link.zone_keys = Some(zone_keys);
    }
    link
}

/// The link from a zone to one below it. `proof`: what the parent says about keys; `keys`: the zone's own answer about them.
pub(super) fn below(
    above: &Link,
    zone: &DomainName,
    proof: Option<&[Record]>,
    keys: Option<&[Record]>,
    now: u32,
) -> Link {
    let mut link = Link::new(zone, above.security);
    let own = keys.map(|records| ZoneKeys::read(zone, records));
    link.keys = keys
        .map(|records| reading::keys(records, zone).keys)
        .unwrap_or_default();
    if above.security == Security::Bogus {
        link.problems.push(LinkProblem::Above);
        return link;
    }
    let proof = proof.unwrap_or_default();
    let said = reading::ds(proof, zone);
    if let DsSeen::Present { ds, .. } = &said {
        link.ds.clone_from(ds);
    }
    // Above an unsigned zone nobody can vouch; below one that nobody vouches for, keys are only looked at.
    let Some(parent) = &above.zone_keys else {
        return link;
    };
    match said {
        DsSeen::Present { .. } => {
            if let Err(why) = signature::verify_own(proof, zone, RecordType::DS, parent, now) {
                return link.with(Security::Bogus, LinkProblem::DsSignature { why: why.to_string() });
            }
            match (own, keys) {
                (Some(own), Some(records)) => vouched(link, &own, records, now),
                _ => link.with(Security::Indeterminate, LinkProblem::Unknown),
            }
        }
        DsSeen::Absent => denied(link, denial::no_ds(proof, zone, parent, now)),
        DsSeen::Unknown => {
            let why = "the parent neither vouches for a key nor proves that it does not".to_owned();
            denied(link, Denial::NotValidated { why })
        }
    }
}

/// Only a proof ends a chain; without it somebody may have taken the DS records out of the answer.
fn denied(mut link: Link, denial: Denial) -> Link {
    let proven = matches!(denial, Denial::Proven { .. });
    link.denial = Some(denial);
    if proven {
        return insecure(link);
    }
    link.security = link.security.max(Security::Indeterminate);
    link
}

fn insecure(mut link: Link) -> Link {
    if link.security == Security::Secure {
        link.security = Security::Insecure;
    }
    link
}

/// The parent vouches for keys: one of them has to sign them all (RFC 4035 section 5.2).
fn vouched(mut link: Link, own: &ZoneKeys, records: &[Record], now: u32) -> Link {
    let known: Vec<Ds> = link.ds.iter().filter(|ds| is_known(ds)).cloned().collect();
    if known.is_empty() {
        let ds = link.ds.clone();
        link.problems.push(LinkProblem::UnknownWays { ds });
        return insecure(link);
    }
    if own.is_empty() {
        return link.with(Security::Bogus, LinkProblem::NoKeys);
    }
    let zone = link.zone.clone();
    let (mut trusted, mut why) = (BTreeSet::new(), None);
    for ds in known {
        let keys = own.vouched_for(&ds);
        if keys.is_empty() {
            let same = |key: &&KeySeen| key.tag == ds.key_tag && key.algorithm == ds.algorithm;
            let has_namesake = link.keys.iter().any(|key| same(&key));
            link.problems.push(if has_namesake {
                LinkProblem::Digest { ds }
            } else {
                LinkProblem::DsWithoutKey { ds }
            });
            continue;
        }
        match signature::verify_own(records, &zone, RecordType::DNSKEY, &keys, now) {
            Ok(holds) => {
                trusted.insert(holds.key);
            }
            // Another key may sign them; the reason counts only if none does.
            Err(problem) => why = Some(problem),
        }
    }
    link.trusted = trusted.into_iter().collect();
    if link.trusted.is_empty() {
        link.security = Security::Bogus;
        if let Some(why) = why {
            let why = key_signature(&why);
            link.problems.push(LinkProblem::KeySignature { why });
        }
        return link;
    }
    link.zone_keys = Some(own.clone());
    link
}

fn key_signature(problem: &SignatureProblem) -> String {
    match problem {
        SignatureProblem::UnknownKey(tag) => {
            format!("they are signed only by key {tag}, which the parent does not vouch for")
        }
        other => other.to_string(),
    }
}

fn is_known(ds: &Ds) -> bool {
    Algorithm::from_u8(ds.algorithm).is_supported() && matches!(ds.digest_kind, 1 | 2 | 4)
}

#[cfg(test)]
mod tests;
