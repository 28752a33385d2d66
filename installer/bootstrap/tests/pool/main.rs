//! The steps of a name out of a pool, on real PowerDNS servers.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod life;
mod roll;
mod root;
