//! Shows a run while it happens, from the journal's events alone.

mod download;
mod tree;

use std::io::IsTerminal as _;

use jiff::Timestamp;
use sovereign_core::agent::SubStepState;
use sovereign_core::event::{Event, EventKind};

pub(crate) use self::download::Download;
use self::tree::Tree;
use crate::cli::Global;
use crate::errors::CliError;
use crate::output;
use crate::render::events::say;
use crate::render::paint::Stream;
use crate::render::time;
use crate::run_view::RunView;

/// How a run is shown.
#[derive(Debug)]
enum Form {
    /// A tree that is drawn anew, on a terminal.
    Tree(Tree),
    /// One line an event on standard error.
    Lines,
    /// One JSON object an event on standard output.
    Json,
    /// Not at all.
    None,
}

/// Shows a run while it happens.
#[derive(Debug)]
pub(crate) struct Progress {
    view: RunView,
    form: Form,
}

impl Progress {
    /// The form that fits the flags and the terminal.
    pub(crate) fn new(view: RunView, global: &Global) -> Self {
        let form = if global.json {
            Form::Json
        } else if global.no_progress {
            Form::None
        } else if is_drawn(global) {
            Form::Tree(Tree::new())
        } else {
            Form::Lines
        };
        Self { view, form }
    }

    /// The run as far as it was shown.
    pub(crate) fn view(&self) -> &RunView {
        &self.view
    }

    /// Takes in and shows an event.
    pub(crate) fn event(&mut self, event: &Event) -> Result<(), CliError> {
        self.view.apply(event);
        match &mut self.form {
            Form::Json => output::json_line(event)?,
            Form::Tree(tree) => {
                if let EventKind::Note { message } = &event.kind {
                    tree.print_above(message);
                } else if is_trouble(&event.kind) {
                    tree.print_above(&say(event, &self.view).lines("", Stream::Err));
                }
                tree.draw(&self.view, Timestamp::now());
            }
            Form::Lines if !is_told(&event.kind) => {}
            Form::Lines => {
                let elapsed = format!("{:>7}", time::clock(self.view.elapsed(event.at)));
                output::notice(&say(event, &self.view).lines(&elapsed, Stream::Err));
            }
            Form::None => {}
        }
        Ok(())
    }

    /// Lets the clocks go on while nothing happens.
    pub(crate) fn tick(&mut self) {
        if let Form::Tree(tree) = &mut self.form {
            tree.draw(&self.view, Timestamp::now());
        }
    }

    /// Says something beside the events.
    pub(crate) fn say(&self, text: &str) {
        match &self.form {
            Form::Tree(tree) => tree.print_above(text),
            Form::Lines | Form::Json | Form::None => output::notice(text),
        }
    }

    /// Leaves the last picture on the screen and hands the run back.
    pub(crate) fn close(self) -> RunView {
        if let Form::Tree(tree) = self.form {
            tree.close();
        }
        self.view
    }
}

/// Whether a terminal can be drawn on. Log lines and a picture would fight for the screen, so `-v` means plain lines.
fn is_drawn(global: &Global) -> bool {
    std::io::stderr().is_terminal() && !console::is_dumb() && global.verbose == 0
}

/// A part of a step failed: its log is worth more than a line of the tree.
fn is_trouble(kind: &EventKind) -> bool {
    matches!(kind, EventKind::SubStep(part) if matches!(part.state, SubStepState::Failed { .. }))
}

/// The end of a part says all that its begin does, and what a step keeps for itself says nothing to people.
fn is_told(kind: &EventKind) -> bool {
    !matches!(kind, EventKind::SubStep(part) if part.state == SubStepState::Begun || !part.is_shown())
}
