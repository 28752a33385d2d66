//! Questions to the operator on the terminal.

use std::io;

use secrecy::SecretString;

use crate::errors::CliError;
use crate::output;

/// A question that only `y` or `yes` answers with yes.
pub(crate) fn yes_or_no(question: &str) -> Result<bool, CliError> {
    output::question(&format!("{question} [y/N] "));
    Ok(matches!(line()?.to_lowercase().as_str(), "y" | "yes"))
}

/// A question whose right answer is the name itself.
pub(crate) fn for_name(question: &str, name: &str) -> Result<bool, CliError> {
    output::question(&format!("{question} "));
    Ok(line()? == name)
}

/// A secret that nobody sees being typed.
pub(crate) fn hidden(prompt: &str) -> Result<SecretString, CliError> {
    output::question(&format!("{prompt} "));
    let read = console::Term::stderr()
        .read_secure_line()
        .map_err(|source| CliError::Stdin { source })?;
    Ok(SecretString::from(read))
}

fn line() -> Result<String, CliError> {
    let mut line = String::new();
    io::stdin()
        .read_line(&mut line)
        .map_err(|source| CliError::Stdin { source })?;
    Ok(line.trim().to_owned())
}
