//! `sovereign man`: manual pages made from the command tree, so they cannot drift from it.

use std::path::Path;

use clap::CommandFactory as _;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;

/// Prints the page of the program, or writes one page for each command into `dir`.
pub(crate) fn run(dir: Option<&Path>) -> Result<Exit, CliError> {
    let command = Cli::command().disable_help_subcommand(true);
    if let Some(dir) = dir {
        let failed = |source| CliError::Write {
            path: dir.to_owned(),
            source,
        };
        std::fs::create_dir_all(dir).map_err(failed)?;
        clap_mangen::generate_to(command, dir).map_err(failed)?;
    } else {
        let mut page = Vec::new();
        Man::new(command)
            .render(&mut page)
            .map_err(|source| CliError::Stdout { source })?;
        output::raw(&page)?;
    }
    Ok(Exit::Ok)
}
