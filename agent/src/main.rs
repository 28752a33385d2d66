//! The agent: one small binary that runs on a host.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use clap::Parser as _;
use tokio::task::LocalSet;

use sovereign_agent::cli::Cli;
use sovereign_agent::commands;

fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_max_level(tracing::Level::INFO)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        // The journal has its own clock.
        .without_time()
        .init();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return commands::report(&format!("no runtime: {error}"), "this system lacks epoll"),
    };
    let ended = LocalSet::new().block_on(&runtime, commands::run(cli));
    // A read of standard input that nobody waits for must not keep the process.
    runtime.shutdown_background();
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(fault) => commands::report(&fault.cause, &fault.remedy),
    }
}
