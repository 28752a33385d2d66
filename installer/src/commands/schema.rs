//! `sovereign schema`: the JSON Schema of the spec, for editors.

use sovereign_core::spec;

use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;

/// Prints the schema.
pub(crate) fn run() -> Result<Exit, CliError> {
    output::json(&spec::schema())?;
    Ok(Exit::Ok)
}
