//! From a spec to hosts that answer, and back to nothing: the real program, the real agent, real hosts of the lab, a real PowerDNS.
//!
//! Needs root and the packages of `tests/setup.sh`. Every test has a lab of its own; hosts are containers that boot in seconds.

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
mod cluster;
mod faults;
mod lives;
mod machines;
mod story;
