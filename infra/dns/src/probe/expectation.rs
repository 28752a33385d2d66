//! What a delegation is meant to be, what it was, and which of the two each server of the parent shows.

use std::collections::BTreeSet;

use serde::Serialize;

use super::seen::{ParentSays, ParentServer, ServerAt};
use super::survey::set_of;
use crate::name::DomainName;

/// What is expected of a delegation. Empty sets expect nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expectation {
    /// The name servers that it is to have.
    pub new: BTreeSet<DomainName>,
    /// Those that it had before.
    pub old: BTreeSet<DomainName>,
}

impl Expectation {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.old.is_empty()
    }
}

/// What a delegation shows, measured by an [`Expectation`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// The new name servers, all of them and no other.
    New,
    /// The old ones, all of them and no other.
    Old,
    /// Some of both; of servers together: they do not all show the same.
    Mixed,
    /// Others.
    Other,
    /// There is no delegation.
    Absent,
    /// Nothing usable came.
    Lame,
}

impl Side {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Old => "old",
            Self::Mixed => "mixed",
            Self::Other => "other",
            Self::Absent => "absent",
            Self::Lame => "lame",
        }
    }
}

/// What one server of the parent shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Which.
    pub server: ServerAt,
    /// What.
    pub side: Side,
}

/// What all servers of the parent show.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Progress {
    /// All of them together. Those that are lame are left out of it, unless all are.
    pub overall: Side,
    /// Each of them.
    pub servers: Vec<Shown>,
}

impl Progress {
    /// Whether every server shows the new delegation; one that is lame proves nothing.
    pub fn is_complete(&self) -> bool {
        !self.servers.is_empty() && self.servers.iter().all(|shown| shown.side == Side::New)
    }
}

/// Measures what servers of the parent say.
pub(super) fn measure(expectation: &Expectation, parents: &[ParentServer]) -> Progress {
    let servers: Vec<Shown> = parents
        .iter()
        .map(|parent| Shown {
            server: parent.server.clone(),
            side: side(expectation, &parent.says),
        })
        .collect();
    Progress {
        overall: overall(servers.iter().map(|shown| shown.side)),
        servers,
    }
}

fn side(expectation: &Expectation, says: &ParentSays) -> Side {
    match says {
        ParentSays::Fails { .. } => Side::Lame,
        ParentSays::NoSuchName | ParentSays::NotDelegated => Side::Absent,
        ParentSays::Delegates(_) | ParentSays::HoldsIt(_) => {
            set_of(says).map_or(Side::Absent, |set| compare(expectation, &set.names))
        }
    }
}

fn compare(expectation: &Expectation, names: &BTreeSet<DomainName>) -> Side {
    let Expectation { new, old } = expectation;
    if !new.is_empty() && names == new {
        return Side::New;
    }
    if !old.is_empty() && names == old {
        return Side::Old;
    }
    let known = names.iter().all(|name| new.contains(name) || old.contains(name));
    let of_both = names.iter().any(|name| new.contains(name)) && names.iter().any(|name| old.contains(name));
    if known && of_both {
        Side::Mixed
    } else {
        Side::Other
    }
}

fn overall(sides: impl Iterator<Item = Side>) -> Side {
    let seen: BTreeSet<Side> = sides.filter(|side| *side != Side::Lame).collect();
    match seen.into_iter().collect::<Vec<_>>()[..] {
        [] => Side::Lame,
        [only] => only,
        _ => Side::Mixed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(names: &[&str]) -> BTreeSet<DomainName> {
        names
            .iter()
            .map(|name| format!("{name}.example").parse().unwrap())
            .collect()
    }

    #[test]
    fn sets_are_told_apart() {
        let flip = Expectation {
            new: set(&["n1", "n2"]),
            old: set(&["o1", "o2"]),
        };
        for (names, side) in [
            (&["n1", "n2"][..], Side::New),
            (&["o1", "o2"], Side::Old),
            (&["n1", "o2"], Side::Mixed),
            (&["n1", "n2", "o1", "o2"], Side::Mixed),
            (&["n1"], Side::Other),
            (&["n1", "n2", "x"], Side::Other),
            (&["x"], Side::Other),
        ] {
            assert_eq!(compare(&flip, &set(names)), side, "{names:?}");
        }
    }

    fn any_side() -> impl Strategy<Value = Side> {
        use Side as S;
        prop::sample::select(vec![S::New, S::Old, S::Mixed, S::Other, S::Absent, S::Lame])
    }

    proptest! {
        #[test]
        fn only_one_voice_is_not_mixed(sides in prop::collection::vec(any_side(), 0..9)) {
            let all = overall(sides.iter().copied());
            let heard: Vec<Side> = sides.iter().copied().filter(|side| *side != Side::Lame).collect();
            prop_assert_eq!(all == Side::Lame, heard.is_empty());
            if all == Side::New {
                prop_assert!(heard.iter().all(|side| *side == Side::New));
            }
            let mut reversed = sides;
            reversed.reverse();
            prop_assert_eq!(overall(reversed.into_iter()), all, "order makes no difference");
        }
    }
}
