//! Whose a name is, and how far it has come.

use std::fmt;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sovereign_core::name::SovereignName;

use super::claim::ClaimDigest;
use super::name::PoolName;

/// How long a name that is being taken away has to lie untouched until somebody else goes on with it: far longer than a server or
/// the book takes for what it is asked. While caches are waited for it lies untouched anyway, and that does not count.
pub const TAKE_OVER: SignedDuration = SignedDuration::from_mins(10);

/// For how long caches remember what DNS said of a name, once that is gone, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lingers {
    /// Its delegation, out of the pool's zone.
    #[serde(rename = "lingers")]
    pub delegation: u32,
    /// Its zone: the keys, and what they signed.
    #[serde(rename = "zoneLingers", default)]
    pub zone: u32,
}

impl Lingers {
    /// The longer time of both, each for itself.
    #[must_use]
    pub fn or_longer(self, other: Self) -> Self {
        Self {
            delegation: self.delegation.max(other.delegation),
            zone: self.zone.max(other.zone),
        }
    }

    /// Until nothing of it is remembered.
    pub fn longest(self) -> u32 {
        self.delegation.max(self.zone)
    }
}

/// Who takes a name away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Taker {
    /// Its Sovereign, whose runs are one at a time; or an operator in its place.
    #[default]
    Owner,
    /// One of any number of sweeps.
    Sweep,
}

impl fmt::Display for Taker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Owner => "its Sovereign",
            Self::Sweep => "a sweep",
        })
    }
}

/// How far a name has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum State {
    /// Reserved. Nothing of it is in DNS; it ends by itself unless it is renewed.
    Held {
        /// When it ends.
        until: Timestamp,
    },
    /// Bound to the run that makes its zone and delegation. It does not end by itself.
    Provisioning,
    /// Delegated.
    Active,
    /// Its delegation is being taken out, then its zone.
    Releasing {
        /// For how long caches remember them.
        #[serde(flatten)]
        lingers: Lingers,
        /// Who is at it.
        #[serde(default)]
        taker: Taker,
    },
    /// Nothing of it is in DNS, and only its last owner may have it again.
    Quarantined {
        /// When it ends.
        until: Timestamp,
    },
    /// Nobody's.
    Gone,
}

impl State {
    /// The state in one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Held { .. } => "held",
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Releasing { .. } => "releasing",
            Self::Quarantined { .. } => "quarantined",
            Self::Gone => "gone",
        }
    }

    /// When it ends by itself; never for most.
    pub const fn until(&self) -> Option<Timestamp> {
        match self {
            Self::Held { until } | Self::Quarantined { until } => Some(*until),
            _ => None,
        }
    }

    /// Whether its time is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.until().is_some_and(|until| until <= now)
    }

    /// Whether something of it may be in DNS.
    pub const fn may_be_in_dns(&self) -> bool {
        matches!(self, Self::Provisioning | Self::Active | Self::Releasing { .. })
    }
}

/// Whose a name is. One that nobody has any more stays in the book, so that generations never come again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Allocation {
    /// The name.
    pub name: PoolName,
    /// Its owner, or its last one.
    pub sovereign: SovereignName,
    /// What proves the owner.
    pub claim: ClaimDigest,
    /// Grows with every owner and fences off every earlier one.
    pub generation: u64,
    /// Grows with every change.
    pub revision: u64,
    /// How far it has come.
    #[serde(flatten)]
    pub state: State,
    /// Until then caches may remember an earlier delegation of the name, or what its zone said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clear_at: Option<Timestamp>,
    /// When it last changed.
    pub since: Timestamp,
}

impl Allocation {
    /// Whether somebody has it, or may have it again before others.
    pub const fn is_taken(&self) -> bool {
        !matches!(self.state, State::Gone)
    }

    /// From when on somebody else may go on with taking it away; none if nobody is at that.
    pub fn taken_over_from(&self) -> Option<Timestamp> {
        let State::Releasing { .. } = self.state else {
            return None;
        };
        // Its taker waits until caches have forgotten the delegation.
        let busy = self
            .clear_at
            .map_or(self.since, |clear_at| clear_at.max(self.since));
        Some(busy.checked_add(TAKE_OVER).unwrap_or(Timestamp::MAX))
    }

    /// Whether somebody takes it away right now.
    pub fn is_going(&self, now: Timestamp) -> bool {
        self.taken_over_from().is_some_and(|from| now < from)
    }

    /// Whether nobody has it, and nobody takes it away: what is left of it in DNS may go.
    pub fn is_left(&self, now: Timestamp) -> bool {
        match self.state {
            State::Gone | State::Quarantined { .. } => true,
            State::Releasing { .. } => !self.is_going(now),
            State::Held { .. } | State::Provisioning | State::Active => false,
        }
    }
}
