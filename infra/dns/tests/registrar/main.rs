//! Every registrar's adapter against a simulator of its contract.
//!
//! `zone` needs Debian's `pdns-server`, `pdns-backend-sqlite3`, `sqlite3` and `bind9-dnsutils`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod faults;
mod life;
mod refusals;
mod secrets;
mod shapes;
mod tasks;
mod zone;
