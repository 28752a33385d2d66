//! From one delegation to another: the next move, decided from what is seen. Pure.
//!
//! # Rules
//! - Name servers never change while the parent vouches for a key that the new ones cannot answer with, nor while a cache may.
//! - A key is vouched for only after every cache has forgotten the servers that do not have it.
//! - What somebody else has changed is left alone.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::memory::Memory;
use super::rekey;
use super::view::ParentView;
use crate::name::DomainName;
use crate::record::Ds;
use crate::registrar::{Delegation, Glue, NsSet, Signer, Target, TargetNs};

/// A delegation that holds by itself: one end of a route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct End {
    /// How its name servers are asked for.
    pub ns: TargetNs,
    /// What the parent's servers then show; empty where the name is not delegated.
    pub shown: BTreeSet<DomainName>,
    /// Keys that its servers answer with, as they are asked for.
    pub ds: Vec<Signer>,
    /// The same as the parent's servers then vouch for them: a registrar may keep other digests than it publishes.
    pub vouched: BTreeSet<Ds>,
    /// Addresses that the parent has to give along.
    pub glue: Glue,
}

impl End {
    /// Name servers of one's own, with the keys that they sign with.
    pub fn own(ns: NsSet, ds: Vec<Signer>) -> Self {
        Self {
            shown: ns.hosts().iter().cloned().collect(),
            ns: TargetNs::Own(ns),
            vouched: ds.iter().map(|signer| signer.ds.clone()).collect(),
            ds,
            glue: Glue::new(),
        }
    }

    fn keys(&self) -> BTreeSet<Ds> {
        let asked = self.ds.iter().map(|signer| signer.ds.clone());
        asked.chain(self.vouched.iter().cloned()).collect()
    }

    /// Whether these keys are those that are asked for, on record or at the parent: when they were first seen, one may not have
    /// caught up with the other.
    fn is_keyed(&self, keys: &BTreeSet<Ds>) -> bool {
        let asked: BTreeSet<&Ds> = self.ds.iter().map(|signer| &signer.ds).collect();
        keys.iter().collect::<BTreeSet<_>>() == asked || *keys == self.vouched
    }

    /// Whether a registrar's record is this end, as far as name servers go.
    pub(super) fn is_registered(&self, present: &Delegation) -> bool {
        match &self.ns {
            TargetNs::Own(ns) => present.ns == *ns,
            TargetNs::ProviderDefault => present.uses_provider_default,
        }
    }
}

/// How far to go. The stages follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stage {
    /// No key stands at the parent, nor in a cache, that the new servers cannot answer with.
    KeysOff,
    /// Every server of the parent shows the new name servers.
    Pointed,
    /// Every cache has forgotten the old ones.
    Forgotten,
    /// Every server of the parent vouches for the new keys.
    KeysOn,
}

/// From where to where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The delegation that is left.
    pub from: End,
    /// The one that is wanted.
    pub to: End,
    way: Way,
}

/// What kind of way a route is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// To what is ours.
    There,
    /// Away from it.
    Home,
    /// The servers stay, and answer with the keys of both ends.
    Rekey,
}

impl Route {
    /// From where a name is to what is ours.
    pub fn there(from: End, ours: End) -> Self {
        Self {
            from,
            to: ours,
            way: Way::There,
        }
    }

    /// Other keys for the same name servers, which answer with the old ones and the new ones until the journey is over.
    pub fn rekey(ns: NsSet, old: Vec<Signer>, new: Vec<Signer>) -> Self {
        Self {
            from: End::own(ns.clone(), old),
            to: End::own(ns, new),
            way: Way::Rekey,
        }
    }

    /// Whether only keys are changed.
    pub fn is_rekey(&self) -> bool {
        self.way == Way::Rekey
    }

    /// The way back.
    #[must_use]
    pub fn back(&self) -> Self {
        Self {
            from: self.to.clone(),
            to: self.from.clone(),
            way: match self.way {
                Way::There => Way::Home,
                Way::Home => Way::There,
                Way::Rekey => Way::Rekey,
            },
        }
    }

    /// Whether these name servers, as a server of the parent shows them, are those that are wanted.
    pub fn is_there(&self, ns: &BTreeSet<DomainName>) -> bool {
        // A provider may give a domain that comes back to it others of its servers.
        *ns == self.to.shown
            || self.to.ns == TargetNs::ProviderDefault && !self.to.shown.is_empty() && self.is_strange(ns)
    }

    /// Whether a registrar's record lies between the ends: what a registrar leaves that does a part of what it was asked for. A part
    /// of what was there before we came may as well be its owner's doing.
    fn is_half_way(&self, present: &Delegation) -> bool {
        let hosts = present.ns.hosts();
        let of_an_end = |host: &DomainName| self.from.shown.contains(host) || self.to.shown.contains(host);
        let leads_on = |host: &DomainName| self.to.shown.contains(host);
        !hosts.is_empty()
            && hosts.iter().all(of_an_end)
            && (self.way == Way::Home || hosts.iter().any(leads_on))
    }

    fn is_strange(&self, ns: &BTreeSet<DomainName>) -> bool {
        !ns.is_empty() && ns.is_disjoint(&self.from.shown) && ns.is_disjoint(&self.to.shown)
    }

    /// Whether the wanted name servers are asked for already: by the record, or by what the parent shows where there is none.
    pub(super) fn is_ordered(&self, seen: Seen<'_>) -> bool {
        let pointed = || seen.parent.all_show(|ns| self.is_there(ns));
        seen.registered
            .map_or_else(pointed, |it| self.to.is_registered(it))
    }

    /// Whether these name servers have nothing to do with those that are left.
    pub(super) fn is_elsewhere(&self, ns: &BTreeSet<DomainName>) -> bool {
        *ns != self.from.shown && ns.is_disjoint(&self.from.shown)
    }

    /// Whether the wanted servers can answer with a key.
    pub(super) fn fits(&self, key: &Ds) -> bool {
        self.to.keys().contains(key)
    }

    /// Whether a name leads to us, and is vouched for, as is wanted: nothing is missing on the way.
    pub(super) fn is_over(&self, parent: &ParentView) -> bool {
        self.way == Way::There && parent.all_vouch(|ds| *ds == self.to.vouched)
    }

    /// Keys among these that the wanted servers cannot answer with.
    fn misfits(&self, keys: &BTreeSet<Ds>) -> BTreeSet<Ds> {
        let fit = self.to.keys();
        keys.difference(&fit).cloned().collect()
    }
}

/// What is seen of a domain.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// By the record of whoever can change it, where that can be read.
    pub registered: Option<&'a Delegation>,
    /// By the parent's servers.
    pub parent: &'a ParentView,
}

impl Seen<'_> {
    /// Keys by the record, where it tells them.
    pub(super) fn told_keys(&self) -> Option<&[Signer]> {
        self.registered.and_then(|it| it.ds.as_deref())
    }

    /// Keys by the record, or by the parent's servers where there is none of them.
    pub(super) fn recorded_keys(&self) -> BTreeSet<Ds> {
        match self.told_keys() {
            Some(ds) => ds.iter().map(|signer| signer.ds.clone()).collect(),
            None => self.parent.ds(),
        }
    }
}

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Move {
    /// Ask whoever can change it for this.
    Submit(Target),
    /// Look again until every server of the parent shows that stage.
    Watch(Stage),
    /// Let time pass.
    Wait {
        /// What for.
        stage: Stage,
        /// Until when.
        until: Timestamp,
    },
    /// The goal is reached.
    Arrived,
    /// Somebody else has changed the delegation: what it is now.
    Strange(String),
}

/// The next move on a route towards a stage of it.
pub fn next(route: &Route, goal: Stage, seen: Seen<'_>, memory: &Memory, now: Timestamp) -> Move {
    if route.is_rekey() {
        return rekey::next(route, goal, seen);
    }
    if let Some(strange) = strange(route, seen) {
        return Move::Strange(strange);
    }
    let pointed = seen.parent.all_show(|ns| route.is_there(ns));
    let ordered = route.is_ordered(seen);
    if let Some(step) = keys_off(route, seen, ordered) {
        return step;
    }
    if !ordered {
        match memory.keys_forgotten(route) {
            Some(until) if until <= now => {}
            Some(until) => {
                let stage = Stage::KeysOff;
                return Move::Wait { stage, until };
            }
            None => return Move::Watch(Stage::KeysOff),
        }
        return if goal == Stage::KeysOff {
            Move::Arrived
        } else {
            // What a person has entered and the parent does not show yet is not seen here.
            let ds = (seen.registered.is_none() && !route.from.ds.is_empty()).then(Vec::new);
            Move::Submit(Target {
                ns: route.to.ns.clone(),
                ds,
                glue: route.to.glue.clone(),
            })
        };
    }
    if goal == Stage::KeysOff {
        return Move::Arrived;
    }
    if !pointed {
        return Move::Watch(Stage::Pointed);
    }
    if goal == Stage::Pointed {
        return Move::Arrived;
    }
    keys_on(route, goal, seen, memory, now)
}

fn keys_off(route: &Route, seen: Seen<'_>, ordered: bool) -> Option<Move> {
    if !route.misfits(&seen.recorded_keys()).is_empty() {
        let here = if ordered { &route.to } else { &route.from };
        return Some(Move::Submit(Target {
            ns: here.ns.clone(),
            ds: Some(Vec::new()),
            glue: Glue::new(),
        }));
    }
    let lingers = !route.misfits(&seen.parent.ds()).is_empty();
    // A server that is silent, or does not speak of keys, may vouch for the old ones still.
    let unclear = !route.misfits(&route.from.keys()).is_empty()
        && !ordered
        && !seen.parent.all_vouch(|ds| route.misfits(ds).is_empty());
    (lingers || unclear).then_some(Move::Watch(Stage::KeysOff))
}

fn keys_on(route: &Route, goal: Stage, seen: Seen<'_>, memory: &Memory, now: Timestamp) -> Move {
    if goal == Stage::KeysOn && route.to.is_keyed(&seen.recorded_keys()) {
        return if seen.parent.all_vouch(|ds| route.to.is_keyed(ds)) {
            Move::Arrived
        } else {
            Move::Watch(Stage::KeysOn)
        };
    }
    match memory.old_forgotten(route) {
        Some(until) if until <= now => {}
        Some(until) => {
            let stage = Stage::Forgotten;
            return Move::Wait { stage, until };
        }
        None => return Move::Watch(Stage::Pointed),
    }
    if goal == Stage::Forgotten {
        return Move::Arrived;
    }
    Move::Submit(Target {
        ns: route.to.ns.clone(),
        ds: Some(route.to.ds.clone()),
        glue: Glue::new(),
    })
}

/// What neither end of the route is.
fn strange(route: &Route, seen: Seen<'_>) -> Option<String> {
    if let Some(present) = seen.registered {
        let known = route.from.is_registered(present)
            || route.to.is_registered(present)
            || route.is_half_way(present);
        return (!known).then(|| present.to_string());
    }
    let known = |ns: &BTreeSet<DomainName>| route.is_there(ns) || !route.is_strange(ns);
    let all = seen.parent.sets().all(known);
    (!all).then(|| seen.parent.to_string())
}

#[cfg(test)]
mod tests;
