//! The installer: plans, brings up, watches, scans and destroys Sovereigns.

mod agent_binary;
mod ask;
mod claimed;
mod cli;
mod cluster_files;
mod commands;
mod delegation;
mod errors;
mod exit;
mod fetch;
mod host_link;
mod kit;
mod listener;
mod logging;
mod machines;
mod next;
mod node_book;
mod output;
mod own_token;
mod parent;
mod pool;
mod pool_book;
mod progress;
mod purpose;
mod render;
mod report;
mod revocation;
mod run_view;
mod runner;
mod sealed;
mod signals;
mod source;
mod standing;
mod state_dir;
mod target;
mod turn;
mod wiring;
mod world;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{Cli, Command};
use crate::errors::CliError;
use crate::exit::Exit;

fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::init(&cli.global);
    let as_json = cli.global.json;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let exit = runtime
        .map_err(|source| CliError::Runtime { source })
        .and_then(|runtime| runtime.block_on(run(cli)))
        .unwrap_or_else(|error| errors::report(&error, as_json));
    exit.into()
}

async fn run(cli: Cli) -> Result<Exit, CliError> {
    let Cli { global, command } = cli;
    match command {
        Command::Plan(args) => commands::plan::run(global, args).await,
        Command::Up(args) => commands::up::run(global, args).await,
        Command::Report(args) => commands::report::report(global, args).await,
        Command::Kubeconfig(args) => commands::report::kubeconfig(global, args).await,
        Command::Status(args) => commands::status::run(global, args).await,
        Command::Logs(args) => commands::logs::run(global, args).await,
        Command::List(args) => commands::list::run(global, args).await,
        Command::Scan(args) => commands::scan::run(global, args).await,
        Command::Destroy(args) => commands::destroy::run(global, args).await,
        Command::Doctor(args) => commands::doctor::run(global, args).await,
        Command::Schema => commands::schema::run(),
        Command::Secret(command) => commands::secret::run(global, command).await,
        Command::Kit(command) => commands::kit::run(global, command).await,
        Command::Dns(command) => commands::dns::run(global, command).await,
        Command::Pool(command) => commands::pool::run(global, command).await,
        Command::Zone(command) => commands::zone::run(global, command).await,
        Command::Lab(command) => commands::lab::run(global, command).await,
        Command::Completions { shell } => commands::completions::run(shell),
        Command::Man { dir } => commands::man::run(dir.as_deref()),
    }
}
