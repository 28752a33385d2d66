//! The contracts that journals and steps must pass, and the tools to check them with. Feature `testing`.
//!
//! | item | what it is |
//! | --- | --- |
//! | [`journal_contract()`] | what every [`Journal`](crate::journal::Journal) must do, over a [`JournalBench`] |

#![expect(clippy::expect_used, reason = "a test suite reports by panicking")]

pub mod journal_contract;

pub use journal_contract::{JournalBench, journal_contract};
