//! `sovereign completions`: a script that teaches a shell the command line.

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;

/// Prints the script.
pub(crate) fn run(shell: Shell) -> Result<Exit, CliError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sovereign", &mut script);
    output::raw(&script)?;
    Ok(Exit::Ok)
}
