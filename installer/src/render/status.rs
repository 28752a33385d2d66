//! Where a Sovereign stands, as text.

use jiff::Timestamp;

use crate::next;
use crate::render::paint::{Stream, Tone};
use crate::render::table::Columns;
use crate::render::time;
use crate::standing::{OpenStep, Standing, State};

/// Open steps that are shown before the rest is only counted.
const MOST_SHOWN: usize = 20;

/// One Sovereign in full.
pub(crate) fn full(standing: &Standing, now: Timestamp) -> String {
    let mut facts = Columns::plain();
    facts.row(["state".to_owned(), painted(standing.state)]);
    facts.row(["run".to_owned(), run_text(standing)]);
    facts.row(["steps".to_owned(), steps_text(standing)]);
    if let Some(at) = standing.last_event_at {
        let ago = time::length(time::between(at, now));
        facts.row([
            "last event".to_owned(),
            format!("{ago} ago, number {}", standing.last_seq),
        ]);
    }
    if let Some(worker) = &standing.worker {
        facts.row(["worker".to_owned(), worker.clone()]);
    }
    let mut text = format!(
        "{}\n{}",
        Stream::Out.paint(Tone::Strong, &standing.sovereign),
        facts.render("  ")
    );
    text.push_str(&open_steps(&standing.open, Stream::Out));
    text.push_str(&next::render(&standing.next, Stream::Out));
    text
}

/// Steps that are in flight, half done or stopped, each with what is known; empty without any.
pub(crate) fn open_steps(open: &[OpenStep], stream: Stream) -> String {
    let mut text = String::new();
    for step in open.iter().take(MOST_SHOWN) {
        let tone = match step.status {
            "failed" | "undo_failed" => Tone::Bad,
            "held" => Tone::Warn,
            _ => Tone::Active,
        };
        let status = stream.paint(tone, &step.status.replace('_', " "));
        text.push_str(&format!("\n\n{status}: {}\n  {}", step.title, step.detail));
        if let Some(hint) = &step.hint {
            text.push_str(&format!("\n  {} {hint}", stream.paint(Tone::Strong, "hint:")));
        }
    }
    if open.len() > MOST_SHOWN {
        text.push_str(&format!("\n\nand {} more", open.len() - MOST_SHOWN));
    }
    text
}

/// Many Sovereigns, one a line.
pub(crate) fn list(standings: &[Standing], now: Timestamp) -> String {
    let mut table = Columns::new(["name", "state", "steps", "last event", "plan"]);
    for standing in standings {
        let ago = standing
            .last_event_at
            .map(|at| format!("{} ago", time::length(time::between(at, now))));
        table.row([
            standing.sovereign.clone(),
            standing.state.word().to_owned(),
            format!("{}/{}", standing.steps.done, standing.steps.total),
            ago.unwrap_or_default(),
            short(&standing.plan).to_owned(),
        ]);
    }
    table.render("")
}

/// The first 12 digits of a digest, enough for people.
pub(crate) fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

fn painted(state: State) -> String {
    let tone = match state {
        State::Up | State::HandedOff | State::Destroyed => Tone::Good,
        State::Building | State::Destroying | State::RollingBack | State::ChangingZone => Tone::Active,
        State::Interrupted | State::Cancelled | State::Held | State::RolledBack => Tone::Warn,
        State::Failed => Tone::Bad,
    };
    Stream::Out.paint(tone, state.word())
}

fn run_text(standing: &Standing) -> String {
    let began = standing
        .began
        .map(|at| format!(", since {}", time::moment(at)))
        .unwrap_or_default();
    format!(
        "{}, number {}, plan {}{began}",
        standing.purpose.word(),
        standing.run,
        short(&standing.plan)
    )
}

fn steps_text(standing: &Standing) -> String {
    let counts = standing.steps;
    let mut text = format!("{} of {} done", counts.done, counts.total);
    for (number, what) in [
        (counts.begun, "begun"),
        (counts.stopped, "failed or held"),
        (counts.pending, "not begun"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {number} {what}"));
        }
    }
    text
}
