//! Names out of pools: the table, and what many workers can make of it.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod interleavings;
mod servers;
mod table;
mod world;
