//! Data goes to standard output, everything else to standard error.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::fault::{Fault, OrFault as _};

/// Writes a line of data.
pub(super) fn line(text: &str) -> Result<(), Fault> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}").or_fault("writing to", "standard output")
}

/// Writes one JSON document, in one line or indented.
pub(super) fn json<T: Serialize>(value: &T, indented: bool) -> Result<(), Fault> {
    let text = if indented {
        serde_json::to_string_pretty(value)
    } else {
        serde_json::to_string(value)
    };
    match text {
        Ok(text) => line(&text),
        Err(error) => Err(Fault::new(
            format!("the answer cannot be written: {error}"),
            "please report this",
        )),
    }
}

/// Writes a line to standard error. A closed standard error is nobody's loss.
pub(super) fn notice(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
