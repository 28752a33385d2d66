//! Commands that make sense now, each with what it does.

use serde::Serialize;

use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;

/// A command and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Next {
    /// To be typed as it is.
    pub(crate) command: String,
    /// What it does.
    pub(crate) does: &'static str,
}

impl Next {
    /// A command of this program about a Sovereign; `flags` may be empty.
    pub(crate) fn new(verb: &str, name: &str, flags: &str, does: &'static str) -> Self {
        let command = format!("sovereign {verb} {name} {flags}").trim_end().to_owned();
        Self { command, does }
    }

    /// Goes on with what was begun.
    pub(crate) fn go_on(verb: &str, name: &str) -> Self {
        Self::new(verb, name, "", "goes on from here")
    }

    /// Removes the Sovereign.
    pub(crate) fn destroy(name: &str) -> Self {
        Self::new("destroy", name, "", "removes everything")
    }

    /// Looks for drift.
    pub(crate) fn scan(name: &str) -> Self {
        Self::new("scan", name, "", "looks for drift and orphans")
    }
}

/// The commands as a block of their own; empty without any.
pub(crate) fn render(all: &[Next], stream: Stream) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut table = Columns::plain();
    for next in all {
        table.row([next.command.clone(), stream.paint(Tone::Faint, next.does)]);
    }
    format!(
        "\n\n{}\n{}",
        stream.paint(Tone::Strong, "next"),
        table.render("  ")
    )
}
