//! Real hosts behind the API, judged from inside and from outside.
//!
//! Needs root and what `make setup` installs.

#![allow(clippy::expect_used, reason = "a test stops at its first surprise")]

mod bench;
mod ends;
mod faults;
mod life;
mod machine;
mod traces;
