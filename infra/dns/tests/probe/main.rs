//! The delegation probe against real name servers, and against a hostile one, on loopback.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod bounds;
mod faults;
mod figures;
mod healthy;
mod hostile;
mod mixtures;
mod oracle;
mod rogue;
mod world;
