//! The one place that prints an error: what, why, and what to do next.

use std::error::Error as StdError;

use serde_json::json;
use sovereign_core::finding::Finding;

use crate::errors::CliError;
use crate::exit::Exit;
use crate::output;
use crate::render::findings;
use crate::render::paint::{Stream, Tone};

/// Prints an error with its causes and what to do, and says how the program ends.
pub(crate) fn report(error: &CliError, as_json: bool) -> Exit {
    let exit = error.exit();
    if matches!(error, CliError::ReaderGone) {
        return exit;
    }
    if as_json {
        let document = json!({ "error": {
            "code": exit.word(),
            "exit": exit.code(),
            "message": error.to_string(),
            "causes": causes(error),
            "hint": error.hint(),
            "findings": listed(error),
        }});
        // An error while reporting an error changes nothing: the exit code tells.
        let _ = output::json_line(&document);
    }
    output::notice(&text(error));
    exit
}

fn listed(error: &CliError) -> &[Finding] {
    match error {
        CliError::Spec { problems, .. } => &problems.findings,
        CliError::Preflight { findings } | CliError::Kit { findings } => findings,
        _ => &[],
    }
}

fn causes(error: &CliError) -> Vec<String> {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(inner) = source {
        causes.push(inner.to_string());
        source = inner.source();
    }
    causes
}

fn text(error: &CliError) -> String {
    let mut text = match error {
        CliError::Spec {
            name,
            document,
            problems,
        } => format!("{}\n", problems.render(document, name).trim_end()),
        CliError::Preflight { findings } | CliError::Kit { findings } => {
            format!("{}\n", findings::render(findings, Stream::Err))
        }
        _ => String::new(),
    };
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("{}: {error}", Stream::Err.paint(Tone::Bad, "error")));
    for cause in causes(error) {
        text.push_str(&format!("\n  caused by: {cause}"));
    }
    if let Some(hint) = error.hint() {
        text.push_str(&format!("\n{}: {hint}", Stream::Err.paint(Tone::Strong, "hint")));
    }
    text
}
