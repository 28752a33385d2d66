//! `sovereign dns`: names looked at from outside, and who can delegate them.

mod plan;
mod registrars;
mod rollback;
mod status;

use std::time::Duration;

use sovereign_dns::probe::{Expectation, Limits, PUBLIC_RESOLVERS, ProbeConfig, Prober};

use crate::cli::{DnsCheck, DnsCommand, Global};
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render;

/// Looks.
pub(crate) async fn run(global: Global, command: DnsCommand) -> Result<Exit, CliError> {
    match command {
        DnsCommand::Check(args) => check(&global, args).await,
        DnsCommand::Plan(args) => plan::run(global, args).await,
        DnsCommand::Status(args) => status::run(global, args).await,
        DnsCommand::Rollback(args) => rollback::run(global, args).await,
        DnsCommand::Registrars { kind } => registrars::show(&global, kind.as_deref()),
    }
}

async fn check(global: &Global, args: DnsCheck) -> Result<Exit, CliError> {
    let config = ProbeConfig {
        limits: Limits {
            questions: args.max_questions,
            time: Duration::from_secs(args.max_seconds),
            ..Limits::default()
        },
        resolvers: if args.resolvers {
            PUBLIC_RESOLVERS.into()
        } else {
            Vec::new()
        },
        trace: args.trace,
        ..global.world.probe()?
    };
    let expectation = Expectation {
        new: args.expect_ns.into_iter().collect(),
        old: args.old_ns.into_iter().collect(),
    };
    let report = Prober::new(config).probe(&args.name, &expectation).await;
    if global.json {
        output::json(&report)?;
    } else {
        output::data(&render::dns::render(&report))?;
    }
    Ok(if report.is_healthy() {
        Exit::Ok
    } else {
        Exit::Failure
    })
}
