//! The command line as its users meet it: the real binary, its own state directory, whole texts.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod cluster_files;
mod completions;
#[cfg(feature = "crash-points")]
mod crash;
#[cfg(feature = "crash-points")]
mod crash_hosts;
mod delegation;
mod dns;
mod faults;
mod harness;
mod help;
mod kit;
mod lab;
#[cfg(feature = "crash-points")]
mod matrix;
mod own_token;
mod pool;
mod registrar;
mod secrets;
mod shape;
mod story;
mod zone;
mod zone_health;
