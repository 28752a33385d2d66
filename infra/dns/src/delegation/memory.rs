//! What caches may still hold of a name though no look shows it any more.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::route::{Route, Seen};
use super::snapshot::Snapshot;
use crate::name::DomainName;
use crate::record::Ds;

/// What the parent said of a name, and until when caches may hold it: taken note of at each look, whichever way the name goes, and
/// kept for whichever way it goes next. What was there before anybody looked is not known: where the name is not where it came
/// from at the first look, name servers that are gone are taken to have gone just then.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Memory {
    /// Every set of name servers that was seen or is on record; an empty one stands for no delegation.
    pub ns: Vec<Trace<BTreeSet<DomainName>>>,
    /// Every key that was vouched for, or is on record.
    pub ds: Vec<Trace<Ds>>,
    /// From when on no cache holds name servers that were there before the first look at every server; none before that look.
    pub unseen_forgotten: Option<Due>,
    /// From when on no cache holds a key that was taken off the parent before the first look; none where there can be none.
    pub unseen_keys_forgotten: Option<Due>,
    /// TTLs are those of an earlier journey: what is still there is measured anew.
    pub from_earlier: bool,
}

/// The end of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Due {
    /// When it ends.
    pub at: Timestamp,
    /// Seconds that it lasts.
    pub after: u32,
}

/// One thing that the parent said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Trace<T> {
    /// What it said.
    pub what: T,
    /// Most seconds for which a cache may keep it; 0 while no server was seen to say it.
    pub ttl: u32,
    /// From when on no cache holds it; none while it is there.
    pub forgotten: Option<Timestamp>,
}

impl Memory {
    /// What is known at the beginning of another journey of the same name.
    #[must_use]
    pub fn of_earlier(self) -> Self {
        Self {
            from_earlier: true,
            ..self
        }
    }

    /// Takes note of a snapshot, for which every server was asked.
    pub fn note_snapshot(&mut self, snapshot: &Snapshot) {
        if self.unseen_forgotten.is_none() && snapshot.vouched.is_empty() {
            let ttl = snapshot.keys_ttl();
            self.unseen_keys_forgotten = ttl.map(|ttl| Due::of(snapshot.taken, ttl));
        }
        let anew = std::mem::take(&mut self.from_earlier);
        see(&mut self.ns, &snapshot.ns, snapshot.forgotten_after, anew);
        for ds in &snapshot.vouched {
            see(&mut self.ds, ds, snapshot.ds_ttl, anew);
        }
    }

    /// Takes note of a look that ended `now`. A wait begins when every server first shows something to be gone: until then somebody
    /// may have fetched it. A server that is silent begins no wait and ends none. `ttl_of`: seconds for which caches may keep the way
    /// to name servers, by this look.
    pub fn note(
        &mut self,
        route: &Route,
        seen: Seen<'_>,
        ttl_of: impl Fn(&BTreeSet<DomainName>) -> u32,
        now: Timestamp,
    ) {
        self.correct(now);
        self.note_ns(seen, &ttl_of, now);
        self.note_ds(seen, &ttl_of, now);
        let parent = seen.parent;
        if !parent.all_vouch(|_| true) {
            return;
        }
        self.from_earlier = false;
        self.unseen_forgotten.get_or_insert_with(|| {
            let is_gone = |ns: &BTreeSet<DomainName>| route.is_there(ns) || route.is_elsewhere(ns);
            if parent.all_show(is_gone) && !route.is_over(parent) {
                Due::of(now, ttl_of(&route.from.shown))
            } else {
                Due::of(now, 0)
            }
        });
    }

    /// A moment that is farther away than its wait is long was reckoned by a clock that was ahead: that wait begins anew.
    fn correct(&mut self, now: Timestamp) {
        for trace in &mut self.ns {
            trace.correct(now);
        }
        for trace in &mut self.ds {
            trace.correct(now);
        }
        for due in [&mut self.unseen_forgotten, &mut self.unseen_keys_forgotten] {
            *due = due.map(|due| Due {
                at: due.at.min(later(now, due.after)),
                ..due
            });
        }
    }

    fn note_ns(&mut self, seen: Seen<'_>, ttl_of: &impl Fn(&BTreeSet<DomainName>) -> u32, now: Timestamp) {
        // What is on record is on its way to the parent.
        let recorded: Option<BTreeSet<DomainName>> =
            seen.registered.map(|it| it.ns.hosts().iter().cloned().collect());
        let shown: BTreeSet<_> = seen.parent.sets().cloned().collect();
        for ns in &shown {
            see(&mut self.ns, ns, ttl_of(ns), self.from_earlier);
        }
        for ns in recorded.iter().filter(|ns| !shown.contains(*ns)) {
            see(&mut self.ns, ns, 0, false);
        }
        for trace in &mut self.ns {
            let is_gone =
                recorded.as_ref() != Some(&trace.what) && seen.parent.all_show(|ns| *ns != trace.what);
            trace.settle(is_gone, ttl_of, now);
        }
    }

    fn note_ds(&mut self, seen: Seen<'_>, ttl_of: &impl Fn(&BTreeSet<DomainName>) -> u32, now: Timestamp) {
        let (recorded, shown) = (seen.recorded_keys(), seen.parent.ds());
        for ds in &shown {
            see(&mut self.ds, ds, seen.parent.ds_ttl, self.from_earlier);
        }
        // A registrar may publish other digests than it keeps.
        for ds in recorded.difference(&shown) {
            see(&mut self.ds, ds, seen.parent.ds_ttl, false);
        }
        // Where no server was seen to say it: its TTL there is no longer than that of the delegation.
        let longest = seen.parent.sets().map(ttl_of).max().unwrap_or_default();
        for trace in &mut self.ds {
            let is_gone =
                !recorded.contains(&trace.what) && seen.parent.all_vouch(|ds| !ds.contains(&trace.what));
            trace.settle(is_gone, |_| longest, now);
        }
    }

    /// From when on no cache holds a key that the wanted servers cannot answer with; none while such a key is there, or nobody has
    /// seen every server.
    pub fn keys_forgotten(&self, route: &Route) -> Option<Timestamp> {
        self.unseen_forgotten?;
        let known = last(self.ds.iter().filter(|trace| !route.fits(&trace.what)))?;
        Some(
            self.unseen_keys_forgotten
                .map_or(known, |unseen| known.max(unseen.at)),
        )
    }

    /// From when on no cache leads to other servers than those that are wanted; none while such are there, or nobody has seen every
    /// server.
    pub fn old_forgotten(&self, route: &Route) -> Option<Timestamp> {
        let unseen = self.unseen_forgotten?.at;
        let known = last(self.ns.iter().filter(|trace| !route.is_there(&trace.what)))?;
        Some(known.max(unseen))
    }

    /// From when on no cache leads to the name servers that are left, wherever the name leads now; none while they are there, or
    /// nobody has seen every server.
    pub fn left_forgotten(&self, route: &Route) -> Option<Timestamp> {
        let unseen = self.unseen_forgotten?.at;
        let leads_there = |trace: &&Trace<BTreeSet<DomainName>>| !trace.what.is_disjoint(&route.from.shown);
        let known = last(self.ns.iter().filter(leads_there))?;
        Some(known.max(unseen))
    }

    /// Most seconds for which a cache may keep one of these keys.
    pub fn ds_ttl<'a>(&self, keys: impl IntoIterator<Item = &'a Ds>) -> u32 {
        let keys: BTreeSet<&Ds> = keys.into_iter().collect();
        let known = self.ds.iter().filter(|trace| keys.contains(&trace.what));
        known.map(|trace| trace.ttl).max().unwrap_or_default()
    }

    /// From when on no cache holds name servers that are gone.
    pub fn gone_ns_forgotten(&self) -> Option<Timestamp> {
        let gone = self.ns.iter().filter_map(|trace| trace.forgotten);
        gone.chain(self.unseen_forgotten.map(|due| due.at)).max()
    }

    /// From when on no cache holds a key that is gone.
    pub fn gone_keys_forgotten(&self) -> Option<Timestamp> {
        let gone = self.ds.iter().filter_map(|trace| trace.forgotten);
        gone.chain(self.unseen_keys_forgotten.map(|due| due.at))
            .max()
            .or(self.unseen_forgotten.map(|due| due.at))
    }
}

impl Due {
    fn of(now: Timestamp, after: u32) -> Self {
        Self {
            at: later(now, after),
            after,
        }
    }
}

impl<T> Trace<T> {
    fn correct(&mut self, now: Timestamp) {
        self.forgotten = self.forgotten.map(|moment| moment.min(later(now, self.ttl)));
    }

    /// A wait begins once it is gone. `otherwise`: the TTL where no server was seen to say it.
    fn settle(&mut self, is_gone: bool, otherwise: impl FnOnce(&T) -> u32, now: Timestamp) {
        if is_gone && self.forgotten.is_none() {
            if self.ttl == 0 {
                self.ttl = otherwise(&self.what);
            }
            self.forgotten = Some(later(now, self.ttl));
        }
    }
}

/// It is there. Its longest TTL counts, unless that is to be measured `anew`.
fn see<T: Clone + PartialEq>(traces: &mut Vec<Trace<T>>, what: &T, ttl: u32, anew: bool) {
    if let Some(trace) = traces.iter_mut().find(|trace| trace.what == *what) {
        trace.ttl = if anew { ttl } else { trace.ttl.max(ttl) };
        trace.forgotten = None;
    } else {
        traces.push(Trace {
            what: what.clone(),
            ttl,
            forgotten: None,
        });
    }
}

/// The latest moment; none where one of them is still there.
fn last<'a, T: 'a>(traces: impl Iterator<Item = &'a Trace<T>>) -> Option<Timestamp> {
    traces
        .map(|trace| trace.forgotten)
        .try_fold(Timestamp::MIN, |last, forgotten| Some(last.max(forgotten?)))
}

fn later(now: Timestamp, seconds: u32) -> Timestamp {
    let wait = SignedDuration::from_secs(seconds.into());
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a clock that is a day ahead reckoned is waited for no longer than the wait is, from when the clock is right again.
    #[test]
    fn a_clock_that_was_ahead_costs_one_wait_and_no_day() {
        let now = Timestamp::UNIX_EPOCH;
        let ahead = later(now, 86_400);
        let mut memory = Memory {
            unseen_forgotten: Some(Due::of(ahead, 60)),
            unseen_keys_forgotten: Some(Due::of(ahead, 30)),
            ..Memory::default()
        };
        see(&mut memory.ns, &BTreeSet::new(), 300, false);
        memory.ns[0].settle(true, |_| 0, ahead);
        memory.correct(now);
        assert_eq!(memory.ns[0].forgotten, Some(later(now, 300)));
        assert_eq!(memory.unseen_forgotten, Some(Due::of(now, 60)));
        assert_eq!(memory.unseen_keys_forgotten, Some(Due::of(now, 30)));
        // It ends: later looks do not begin it anew.
        memory.correct(later(now, 30));
        assert_eq!(memory.ns[0].forgotten, Some(later(now, 300)));
    }
}
