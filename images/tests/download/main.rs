//! Files from the web, by a server with faults.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod fetch;
mod refuse;
mod server;
