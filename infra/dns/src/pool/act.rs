//! What may be done with an allocation: the one table. Pure.
//!
//! ```text
//!          Hold          Provision           Activate
//!  gone ────────► held ─────────────► provisioning ──► active
//!   ▲ ▲            │ over, or Release      │ Release     │ Release
//!   │ └────────────┘                       ▼             │
//!   │     over               Quarantine  releasing ◄─────┘
//!   └─────────── quarantined ◄───────────── Withdrawn
//! ```
//!
//! Every act may be repeated by its owner: what is so already stays as it is. What somebody else takes away is left to them until
//! they have not touched it for [`super::TAKE_OVER`].

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sovereign_core::name::SovereignName;

use super::allocation::{Allocation, Lingers, State, Taker};
use super::claim::ClaimDigest;
use super::name::PoolName;
use super::refusal::Refusal;
use crate::zone::ZoneMark;

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The Sovereign.
    pub sovereign: SovereignName,
    /// What it proves itself with.
    pub claim: ClaimDigest,
}

/// What an owner does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Reserves the name, or goes on doing so, until a moment.
    Hold {
        /// When the hold ends unless it is renewed.
        until: Timestamp,
    },
    /// Binds it to the run that makes its zone and delegation.
    Provision,
    /// Its delegation is there.
    Activate,
    /// Gives it back: its delegation is about to go, and then its zone.
    Release {
        /// For how long caches remember them.
        lingers: Lingers,
    },
    /// Its delegation was seen to be gone.
    Withdrawn,
    /// Its zone is gone, too: nobody else gets it for that long.
    Quarantine {
        /// For how long, at least; what caches remember counts in any case.
        length: Duration,
    },
}

impl Act {
    /// The act in one word, for the reader of a refusal.
    const fn word(self) -> &'static str {
        match self {
            Self::Hold { .. } => "held",
            Self::Provision => "provisioned",
            Self::Activate => "activated",
            Self::Release { .. } => "released",
            Self::Withdrawn => "withdrawn",
            Self::Quarantine { .. } => "quarantined",
        }
    }
}

/// What comes of an act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is so already.
    Stays,
    /// The allocation becomes this.
    Becomes(Box<Allocation>),
}

/// What an owner's act makes of a name. `generation` fences the caller off from later owners; only a hold needs none.
pub fn decide(
    present: Option<&Allocation>,
    name: &PoolName,
    by: &Owner,
    generation: Option<u64>,
    act: Act,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    if let Act::Hold { until } = act {
        return hold(present, name, by, until, now);
    }
    let own = present.filter(|present| present.sovereign == by.sovereign);
    let own = own.ok_or_else(|| Refusal::NotOwned {
        name: name.clone(),
        by: by.sovereign.clone(),
    })?;
    prove(own, by)?;
    if let Some(then) = generation.filter(|then| *then != own.generation) {
        return Err(Refusal::Superseded {
            name: name.clone(),
            then,
            now: own.generation,
        });
    }
    go_on(own, act, now)
}

/// Ends what ends by itself: a hold that nobody renewed, a quarantine that is over.
pub fn decide_expiry(present: &Allocation, now: Timestamp) -> Verdict {
    if present.state.is_over(now) {
        becomes(present, State::Gone, now)
    } else {
        Verdict::Stays
    }
}

/// Takes up again what nobody has and is in DNS all the same, so that nobody gets the name while it is taken away. What goes bears
/// that mark: a name whose own zone may still be there is left to whoever removes that.
pub fn decide_reclaim(
    present: &Allocation,
    mark: &ZoneMark,
    lingers: Lingers,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    match present.state {
        State::Quarantined { .. } | State::Gone => Ok(begins_to_go(present, lingers, Taker::Sweep, now)),
        State::Releasing { .. } if ZoneMark::of(&present.sovereign) != *mark => Err(going(present)),
        State::Releasing { lingers: earlier, .. } => {
            take_over(present, earlier.or_longer(lingers), Taker::Sweep, now)
        }
        State::Held { .. } | State::Provisioning | State::Active => Err(taken(present)),
    }
}

fn hold(
    present: Option<&Allocation>,
    name: &PoolName,
    by: &Owner,
    until: Timestamp,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    let Some(present) = present else {
        return Ok(given(None, name, by, until, now));
    };
    if matches!(present.state, State::Gone) || present.state.is_over(now) && present.sovereign != by.sovereign
    {
        return Ok(given(Some(present), name, by, until, now));
    }
    if present.sovereign != by.sovereign {
        return Err(taken(present));
    }
    prove(present, by)?;
    match present.state {
        State::Held { until: earlier } if earlier < until => Ok(becomes(present, State::Held { until }, now)),
        State::Held { .. } | State::Provisioning | State::Active => Ok(Verdict::Stays),
        State::Releasing {
            taker: Taker::Sweep, ..
        } => Err(going(present)),
        State::Releasing { .. } => Err(out_of_turn(present, Act::Hold { until })),
        // Its own caches are the only ones that remember it: `clear_at` goes along, and no key is published before then.
        State::Quarantined { .. } | State::Gone => Ok(given(Some(present), name, by, until, now)),
    }
}

/// Everything but a hold, by the owner.
fn go_on(own: &Allocation, act: Act, now: Timestamp) -> Result<Verdict, Refusal> {
    let State::Releasing {
        lingers: earlier,
        taker: Taker::Sweep,
    } = own.state
    else {
        return carry_on(own, act, now);
    };
    match act {
        Act::Release { lingers } => take_over(own, earlier.or_longer(lingers), Taker::Owner, now),
        Act::Withdrawn | Act::Quarantine { .. } => Err(going(own)),
        Act::Hold { .. } | Act::Provision | Act::Activate => Err(out_of_turn(own, act)),
    }
}

/// Everything but a hold, by whoever is at it.
pub(super) fn carry_on(own: &Allocation, act: Act, now: Timestamp) -> Result<Verdict, Refusal> {
    match (&own.state, act) {
        (State::Held { .. }, Act::Provision) => Ok(becomes(own, State::Provisioning, now)),
        (State::Provisioning, Act::Activate) => Ok(becomes(own, State::Active, now)),
        // Nothing of a hold is in DNS.
        (State::Held { .. }, Act::Release { .. }) => Ok(becomes(own, State::Gone, now)),
        (State::Provisioning | State::Active, Act::Release { lingers }) => {
            Ok(begins_to_go(own, lingers, Taker::Owner, now))
        }
        (
            State::Releasing {
                lingers: earlier,
                taker,
            },
            Act::Release { lingers },
        ) => Ok(goes_on_going(own, *earlier, lingers, *taker, now)),
        (State::Releasing { lingers, .. }, Act::Withdrawn) if own.clear_at.is_none() => {
            let clear_at = seconds_after(now, lingers.delegation);
            Ok(cleared(own, own.state.clone(), clear_at, now))
        }
        (State::Releasing { lingers, .. }, Act::Quarantine { length }) if own.clear_at.is_some() => {
            // The zone answered until now. Who has its keys takes the next zone of that name for a forgery.
            let clear_at = seconds_after(now, lingers.longest());
            let until = after(now, length).max(clear_at);
            Ok(cleared(own, State::Quarantined { until }, clear_at, now))
        }
        (State::Provisioning | State::Active, Act::Provision)
        | (State::Active, Act::Activate)
        | (State::Releasing { .. }, Act::Withdrawn)
        | (
            State::Quarantined { .. } | State::Gone,
            Act::Release { .. } | Act::Withdrawn | Act::Quarantine { .. },
        ) => Ok(Verdict::Stays),
        _ => Err(out_of_turn(own, act)),
    }
}

/// On its way out of DNS. What caches remember of a generation before is not forgotten over it.
fn begins_to_go(before: &Allocation, lingers: Lingers, taker: Taker, now: Timestamp) -> Verdict {
    let earlier = Lingers {
        zone: before.clear_at.map_or(0, |clear_at| seconds_until(clear_at, now)),
        ..Lingers::default()
    };
    let lingers = lingers.or_longer(earlier);
    becomes(before, State::Releasing { lingers, taker }, now)
}

/// By another than before, if that one has not touched it for long.
fn take_over(
    before: &Allocation,
    lingers: Lingers,
    taker: Taker,
    now: Timestamp,
) -> Result<Verdict, Refusal> {
    if before.is_going(now) {
        return Err(going(before));
    }
    Ok(becomes(before, State::Releasing { lingers, taker }, now))
}

/// Still on its way out, by the same as before.
pub(super) fn touch(before: &Allocation, now: Timestamp) -> Allocation {
    Allocation {
        revision: before.revision + 1,
        since: now,
        ..before.clone()
    }
}

/// A wait may become longer, never shorter.
fn goes_on_going(
    before: &Allocation,
    earlier: Lingers,
    lingers: Lingers,
    taker: Taker,
    now: Timestamp,
) -> Verdict {
    let lingers = earlier.or_longer(lingers);
    if lingers == earlier {
        return Verdict::Stays;
    }
    becomes(before, State::Releasing { lingers, taker }, now)
}

/// A new generation.
fn given(
    before: Option<&Allocation>,
    name: &PoolName,
    by: &Owner,
    until: Timestamp,
    now: Timestamp,
) -> Verdict {
    let (generation, revision) = before.map_or((0, 0), |before| (before.generation, before.revision));
    Verdict::Becomes(Box::new(Allocation {
        name: name.clone(),
        sovereign: by.sovereign.clone(),
        claim: by.claim.clone(),
        generation: generation + 1,
        revision: revision + 1,
        state: State::Held { until },
        clear_at: before
            .and_then(|before| before.clear_at)
            .filter(|clear| *clear > now),
        since: now,
    }))
}

fn becomes(before: &Allocation, state: State, now: Timestamp) -> Verdict {
    // How long caches remember is asked anew when a delegation is about to go.
    let begins = matches!(state, State::Releasing { .. }) && before.state.word() != state.word();
    Verdict::Becomes(Box::new(Allocation {
        revision: before.revision + 1,
        clear_at: before.clear_at.filter(|_| !begins),
        state,
        since: now,
        ..before.clone()
    }))
}

fn cleared(before: &Allocation, state: State, clear_at: Timestamp, now: Timestamp) -> Verdict {
    Verdict::Becomes(Box::new(Allocation {
        revision: before.revision + 1,
        clear_at: Some(clear_at),
        state,
        since: now,
        ..before.clone()
    }))
}

fn prove(present: &Allocation, by: &Owner) -> Result<(), Refusal> {
    if present.claim == by.claim || matches!(present.state, State::Gone) {
        return Ok(());
    }
    Err(Refusal::Unproven {
        name: present.name.clone(),
        by: by.sovereign.clone(),
    })
}

fn taken(present: &Allocation) -> Refusal {
    let (name, by) = (present.name.clone(), present.sovereign.clone());
    match present.state {
        State::Quarantined { until } => Refusal::Quarantined { name, by, until },
        _ => Refusal::Taken {
            name,
            by,
            state: present.state.word(),
        },
    }
}

fn going(present: &Allocation) -> Refusal {
    let taker = match present.state {
        State::Releasing { taker, .. } => taker,
        _ => Taker::Owner,
    };
    Refusal::Going {
        name: present.name.clone(),
        by: present.sovereign.clone(),
        taker,
        since: present.since,
        until: present.taken_over_from().unwrap_or(present.since),
    }
}

fn out_of_turn(present: &Allocation, act: Act) -> Refusal {
    Refusal::OutOfTurn {
        name: present.name.clone(),
        state: present.state.word(),
        act: act.word(),
    }
}

fn seconds_after(time: Timestamp, seconds: u32) -> Timestamp {
    after(time, Duration::from_secs(seconds.into()))
}

/// Whole seconds from `now` to a moment, none if it is over.
fn seconds_until(moment: Timestamp, now: Timestamp) -> u32 {
    let left = Duration::try_from(moment.duration_since(now)).unwrap_or_default();
    u32::try_from(left.as_millis().div_ceil(1_000)).unwrap_or(u32::MAX)
}

/// `time` plus `by`, or the end of time.
fn after(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).ok();
    by.and_then(|by| time.checked_add(by).ok())
        .unwrap_or(Timestamp::MAX)
}
