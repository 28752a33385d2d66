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
mod broken;
mod clock;
mod cluster;
mod expired;
mod faults;
mod kit;
mod lives;
mod machines;
mod registry;
mod story;
mod token;
