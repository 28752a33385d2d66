//! The engine: a plan of steps goes in, journalled facts come out. It knows no cloud and no DNS.
//!
//! ```text
//!  Plan ──► executor ──► Step::find / apply / undo
//!              │ intent before effect, effect before success
//!              ▼
//!           Journal  (append-only, fenced by a lease, one sequence per Sovereign)
//! ```
//!
//! | module | concept |
//! | --- | --- |
//! | [`plan`] | an immutable graph of named steps with typed references between them |
//! | [`step`] | the contract of a step and what it may see |
//! | [`registry`] | from a step's kind to its code |
//! | [`journal`] | the only truth about progress |
//! | [`lease`] | who may write to the journal |
//! | [`status`] | the one transition table, live and on replay |
//! | [`executor`] | runs a plan, or undoes it, and makes no choices |
//! | [`follow`](mod@follow) | the events of a Sovereign as they come |
//! | [`clock`] | what time it is, for leases |
//! | `testing` | the contracts that journals and steps must pass (feature `testing`) |

pub mod clock;
pub mod executor;
pub mod follow;
pub mod journal;
pub mod lease;
pub mod plan;
pub mod registry;
pub mod status;
pub mod step;
#[cfg(feature = "testing")]
pub mod testing;
