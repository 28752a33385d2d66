//! The registry as its clients see it: the specification's rules, our client, and `skopeo`, which shares no code with us.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test stops at its first surprise"
)]

mod damage;
mod foreign;
mod probe;
mod pull;
mod rules;
mod served;
mod upstream;
