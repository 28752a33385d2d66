//! A domain's way from its old name servers to ours, and back: what is safe to do next, decided from what is seen, and done.
//!
//! ```text
//!  look: registrar's record + every server of the parent ──► route (pure): the next move
//!    ▲                                                          │
//!    └──── journey: submit, watch, wait ◄───────────────────────┘
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | `rdap`, `existing` | what a registry says of a registration, and what stands at the name |
//! | `preflight` | whether the delegation may be changed at all: facts, and their judgement |
//! | `forecast` | the dry run: phases with their durations, what caches keep, what a person enters |
//! | `snapshot` | the delegation as it was, and how long caches keep it |
//! | `view` | what the parent's servers show, one by one |
//! | `fitness` | whether the servers that are led to answer |
//! | `memory` | what caches may hold that no look shows, and until when |
//! | `route` | from one delegation to another: the next move, and the rules that no move breaks |
//! | `rekey` | the same where only keys change |
//! | `journey` | the moves made, one look after the other, until the goal or a reason to turn back |
//! | `trouble` | those reasons, and what to do about them |
//!
//! Nothing is remembered but what caches may hold: the next move follows from that and the world alone, so a journey that was
//! interrupted anywhere is gone on with by looking.

mod existing;
mod fitness;
mod forecast;
mod journey;
mod memory;
mod preflight;
mod rdap;
mod rekey;
mod route;
mod snapshot;
#[cfg(test)]
mod testing;
mod trouble;
mod view;

pub use self::existing::{Existing, ExistingRecord};
pub use self::fitness::{Fitness, MustAnswer};
pub use self::forecast::{Forecast, Phase, phases};
pub use self::journey::{Journey, Logbook, Patience, Travelled};
pub use self::memory::{Due, Memory, Trace};
pub use self::preflight::{Facts, Place, judge};
pub use self::rdap::{Rdap, Registered, Registration};
pub use self::route::{End, Move, Route, Seen, Stage, next};
pub use self::snapshot::{Snapshot, SnapshotError, take_snapshot};
pub use self::trouble::Trouble;
pub use self::view::{ParentView, Says, ServerView, forgotten_after, keyless};
