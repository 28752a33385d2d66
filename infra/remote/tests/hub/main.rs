//! The hub against agents in memory, in paused time.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod enrolment;
mod events;
mod lives;
mod refusals;
