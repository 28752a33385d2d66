//! Steps that talk to a host, with an agent that is played over the real link.
//!
//! Needs `hcloud`, which switches servers of the lab on and off.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod enrol;
mod let_go;
mod prepare;
mod release;
