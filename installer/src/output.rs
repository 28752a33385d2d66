//! The only way to the operator: data on standard output, everything else on standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::errors::CliError;

/// Writes a line of data to standard output.
pub(crate) fn data(text: &str) -> Result<(), CliError> {
    written(writeln!(io::stdout().lock(), "{text}"))
}

/// Writes bytes of data to standard output as they are.
pub(crate) fn raw(bytes: &[u8]) -> Result<(), CliError> {
    written(io::stdout().lock().write_all(bytes))
}

/// Writes one JSON object in one line to standard output.
pub(crate) fn json_line<T: Serialize>(value: &T) -> Result<(), CliError> {
    let line = serde_json::to_string(value).map_err(|source| CliError::Encode {
        what: "an event",
        source,
    })?;
    data(&line)
}

/// Writes one JSON document to standard output, indented.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), CliError> {
    let text = serde_json::to_string_pretty(value).map_err(|source| CliError::Encode {
        what: "the result",
        source,
    })?;
    data(&text)
}

/// Writes a line to standard error. A closed standard error is nobody's loss.
pub(crate) fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes to standard error without a line end, for a question.
pub(crate) fn question(text: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}");
    let _ = stderr.flush();
}

/// Somebody can be asked: standard input and standard error are a terminal.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A reader that went away (`sovereign logs | head`) is told apart from a disk that is full.
fn written(result: io::Result<()>) -> Result<(), CliError> {
    result.map_err(|source| {
        if source.kind() == io::ErrorKind::BrokenPipe {
            CliError::ReaderGone
        } else {
            CliError::Stdout { source }
        }
    })
}
