//! Zones on a real PowerDNS, judged by BIND's `dig` and `delv`.
//!
//! Needs Debian's `pdns-server`, `pdns-backend-sqlite3`, `sqlite3` and `bind9-dnsutils`.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod bench;
mod faults;
mod life;
mod lua;
mod oracle;
mod relay;
mod replica;
mod roll;
mod sealed;
mod secondaries;
mod several;
