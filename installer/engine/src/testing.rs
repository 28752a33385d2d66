//! The contracts that journals and steps must pass, and the tools to check them with. Feature `testing`.
//!
//! | item | what it is |
//! | --- | --- |
//! | [`journal_contract()`] | what every [`Journal`](crate::journal::Journal) must do, over a [`JournalBench`] |
//! | [`step_checks()`] | what every family of steps must withstand, over a [`StepBench`] |
//! | [`CrashingJournal`] | a journal whose process dies at a chosen append |
//! | [`world`] | a tiny world with one kind of step, for tests of the engine itself |

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test suite reports by panicking"
)]

pub mod crashing_journal;
pub(crate) mod fault;
pub mod journal_contract;
pub mod step_checks;
pub mod world;

pub use crashing_journal::{CrashPoint, CrashingJournal};
pub use journal_contract::{JournalBench, journal_contract};
pub use step_checks::{StepBench, step_checks};
