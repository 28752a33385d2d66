//! The engine as its users see it, over the tiny world of `sovereign_engine::testing::world`.

#![expect(clippy::expect_used, reason = "helpers of tests report by panicking too")]

#[path = "engine/bench.rs"]
mod bench;
#[path = "engine/follow.rs"]
mod follow;
#[path = "engine/journal_contract.rs"]
mod journal_contract;
#[path = "engine/leases.rs"]
mod leases;
#[path = "engine/parts.rs"]
mod parts;
#[path = "engine/plans.rs"]
mod plans;
#[path = "engine/properties.rs"]
mod properties;
#[path = "engine/resume.rs"]
mod resume;
#[path = "engine/retries.rs"]
mod retries;
#[path = "engine/running.rs"]
mod running;
#[path = "engine/step_checks.rs"]
mod step_checks;
#[path = "engine/stopping.rs"]
mod stopping;
#[path = "engine/undo.rs"]
mod undo;
