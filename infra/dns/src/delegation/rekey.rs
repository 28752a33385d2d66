//! Other keys at the parent for the same name servers: the next move, decided from what is seen. Pure.
//!
//! ```text
//!  [`Stage::KeysOn`]   every server of the parent vouches for the new keys
//!  [`Stage::KeysOff`]  and for no old one any more
//! ```
//!
//! # Rules
//! - The name's servers answer with old and new keys meanwhile, so that each of them will do; one of them always stands.
//! - No key is taken out before every server of the parent vouches for the new ones.
//! - Only keys of the roll are put in or taken out: what somebody else has changed is left alone.
//! - Where no API sets keys, whoever does may leave the old ones until the servers answer with the new ones alone. A parent that reads
//!   CDS does so: it is told both as long as both sign (RFC 7344 section 4.1).

use std::collections::BTreeSet;

use super::route::{Move, Route, Seen, Stage};
use crate::record::Ds;
use crate::registrar::{Delegation, Glue, Signer, Target};

/// The next move towards a stage. A name that nobody vouches for stands in no chain of trust, and there is nothing to do.
pub(super) fn next(route: &Route, goal: Stage, seen: Seen<'_>) -> Move {
    let new = &route.to.vouched;
    let has_new = |ds: &BTreeSet<Ds>| new.is_subset(ds);
    let recorded = seen.recorded_keys();
    if recorded.is_empty() && seen.parent.all_vouch(BTreeSet::is_empty) {
        return Move::Arrived;
    }
    if let Some(strange) = strange(route, seen) {
        return Move::Strange(strange);
    }
    if !has_new(&recorded) {
        return match seen.told_keys() {
            // Somebody has taken all keys out; the parent is about to follow.
            Some([]) => Move::Watch(Stage::KeysOff),
            Some(told) => submit(route, beside(told, &route.to.ds)),
            None => submit(route, route.to.ds.clone()),
        };
    }
    if !seen.parent.all_vouch(has_new) {
        return Move::Watch(Stage::KeysOn);
    }
    let by_api = seen.told_keys().is_some();
    if recorded == *new && seen.parent.all_vouch(|ds| ds == new) || goal == Stage::KeysOn && !by_api {
        return Move::Arrived;
    }
    if recorded == *new {
        return Move::Watch(Stage::KeysOff);
    }
    submit(route, route.to.ds.clone())
}

fn submit(route: &Route, ds: Vec<Signer>) -> Move {
    Move::Submit(Target {
        ns: route.to.ns.clone(),
        ds: Some(ds),
        glue: Glue::new(),
    })
}

fn beside(there: &[Signer], more: &[Signer]) -> Vec<Signer> {
    let more = more.iter().filter(|signer| !there.contains(signer));
    there.iter().chain(more).cloned().collect()
}

/// Other name servers, or keys that are none of the roll's.
fn strange(route: &Route, seen: Seen<'_>) -> Option<String> {
    let Some(present) = seen.registered else {
        let moved = seen.parent.sets().any(|ns| *ns != route.to.shown);
        return moved.then(|| seen.parent.to_string());
    };
    let ours = route.to.is_registered(present) && told_are_known(route, present);
    (!ours).then(|| present.to_string())
}

fn told_are_known(route: &Route, present: &Delegation) -> bool {
    let known = |signer: &Signer| route.from.ds.contains(signer) || route.to.ds.contains(signer);
    present.ds.iter().flatten().all(known)
}

#[cfg(test)]
mod tests;
