//! SSH against Debian's real server.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod dialing;
mod host;
mod sshd;
mod trust;
