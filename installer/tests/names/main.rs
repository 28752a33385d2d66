//! A domain's way to a Sovereign and back, end to end: the real program, a DNS of its own with signed root and top level, registrars
//! that follow their vendors' contracts, a validating resolver that is asked all the time, and `delv` as the judge.
//!
//! Servers of these labs are records; names are real.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at its first surprise"
)]

#[path = "../cli/harness.rs"]
#[expect(
    dead_code,
    reason = "shared with the stories of the command line, each uses its part"
)]
mod harness;

mod bench;
mod commands;
mod interrupted;
mod person;
mod pool;
mod roll;
mod secrets;
mod trouble;
mod whole_way;
