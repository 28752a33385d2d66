//! A domain moved to our name servers and given back: the real executor, real registrars' contracts, real DNS from the root down.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod by_hand;
mod crash;
mod failure;
mod flip;
mod new_plan;
mod refusals;
mod roll;
mod watch;
mod world;
