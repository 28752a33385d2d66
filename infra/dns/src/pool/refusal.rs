//! Why an act is refused, and what to do about it.

use jiff::Timestamp;
use sovereign_core::name::SovereignName;
use thiserror::Error;

use super::allocation::Taker;
use super::name::PoolName;

/// Why an act is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Another Sovereign has it.
    #[error("`{name}` is {state} by Sovereign `{by}`")]
    Taken {
        /// The name.
        name: PoolName,
        /// Its owner.
        by: SovereignName,
        /// How far it has come.
        state: &'static str,
    },
    /// Its last owner has just given it back.
    #[error("`{name}` was Sovereign `{by}`'s and is in quarantine until {until:.0}")]
    Quarantined {
        /// The name.
        name: PoolName,
        /// Its last owner.
        by: SovereignName,
        /// When the quarantine ends.
        until: Timestamp,
    },
    /// A Sovereign of that name has it, and proves itself with another claim.
    #[error("`{name}` belongs to another Sovereign that is called `{by}`, too: the claims differ")]
    Unproven {
        /// The name.
        name: PoolName,
        /// Name of both.
        by: SovereignName,
    },
    /// It was given away again since.
    #[error("`{name}` is in its generation {now}, and the caller's is {then}")]
    Superseded {
        /// The name.
        name: PoolName,
        /// The caller's generation.
        then: u64,
        /// The name's.
        now: u64,
    },
    /// Somebody else takes it away.
    #[error("`{name}` has been taken away by {taker} since {since:.0}")]
    Going {
        /// The name.
        name: PoolName,
        /// Its owner, or its last one.
        by: SovereignName,
        /// Who is at it.
        taker: Taker,
        /// When that one last touched it.
        since: Timestamp,
        /// When another may go on with it.
        until: Timestamp,
    },
    /// Somebody else wrote into the book while it was taken away.
    #[error(
        "`{name}` is in its revision {now} and the caller's is {then}: somebody else goes on with it, so nothing more was deleted"
    )]
    Overtaken {
        /// The name.
        name: PoolName,
        /// The caller's revision.
        then: u64,
        /// The name's.
        now: u64,
    },
    /// The owner does not have it.
    #[error("`{name}` is not Sovereign `{by}`'s")]
    NotOwned {
        /// The name.
        name: PoolName,
        /// Who asked.
        by: SovereignName,
    },
    /// The act does not fit how far it has come.
    #[error("`{name}` is {state} and cannot be {act}")]
    OutOfTurn {
        /// The name.
        name: PoolName,
        /// How far it has come.
        state: &'static str,
        /// What was asked for.
        act: &'static str,
    },
    /// Another name in the pool looks like it.
    #[error("`{name}` looks like `{other}`, which is taken")]
    LooksLike {
        /// The name.
        name: PoolName,
        /// What it looks like.
        other: PoolName,
    },
    /// The Sovereign has a name in this pool already.
    #[error("Sovereign `{by}` has `{other}` out of this pool already")]
    HasAnother {
        /// Who asked.
        by: SovereignName,
        /// What it has.
        other: PoolName,
    },
}

impl Refusal {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Taken { .. } | Self::LooksLike { .. } => "choose another label".into(),
            Self::Quarantined { .. } => "choose another label, or wait until then".into(),
            Self::Unproven { .. } => {
                "choose another label; or give the Sovereign another name; or restore the state directory it was made with".into()
            }
            Self::Superseded { name, .. } | Self::NotOwned { name, .. } => {
                format!("see whose it is with `sovereign pool show {name}`")
            }
            Self::Going { by, until, .. } => format!(
                "wait for it; if whoever was at it is dead, `sovereign destroy {by}` and `sovereign pool sweep` go on with it after {until:.0}"
            ),
            Self::Overtaken { name, .. } => format!(
                "see how far it has come with `sovereign pool show {name}`, and run again if something of it is left"
            ),
            Self::OutOfTurn { name, .. } => format!(
                "see how far it has come with `sovereign pool show {name}`; finish an unfinished `destroy` first"
            ),
            Self::HasAnother { by, other } => format!(
                "keep that label, or `sovereign destroy {by}` first; `sovereign pool release {other}` gives it back alone"
            ),
        }
    }
}
