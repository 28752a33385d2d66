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

    /// Goes on from hosts to a Sovereign.
    pub(crate) fn beyond_hosts(name: &str) -> Self {
        Self::new(
            "up",
            name,
            "--k3s FILE|URL --kit FILE|URL --kit-key FILE",
            "makes a Sovereign of the hosts; `sovereign kit pack` makes a kit and its key",
        )
    }

    /// Delegates the name again, after it was given back.
    pub(crate) fn delegate_again(name: &str) -> Self {
        Self::new("up", name, "", "delegates its name again")
    }

    /// Says what differs from what was wanted.
    pub(crate) fn check_zone(name: &str) -> Self {
        Self::new("zone check", name, "", "shows what the zone's servers have")
    }

    /// Gives the delegation back.
    pub(crate) fn roll_back(name: &str) -> Self {
        Self::new("dns rollback", name, "", "gives the delegation back")
    }

    /// Removes the Sovereign.
    pub(crate) fn destroy(name: &str) -> Self {
        Self::new("destroy", name, "", "removes everything")
    }

    /// Shows what it was handed over with.
    pub(crate) fn report(name: &str) -> Self {
        Self::new("report", name, "", "shows what was proven, and what was not")
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
