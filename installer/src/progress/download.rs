//! Shows a file on its way from the web. What is there already is not worth a word.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use sovereign_images::download::{Fetched, Word};

use super::is_drawn;
use crate::cli::Global;
use crate::output;
use crate::render::paint::{Stream, Tone};
use crate::render::time;

/// Longest silence where each word is a line of its own.
const SILENCE: Duration = Duration::from_secs(5);
const MIB: u64 = 1024 * 1024;

/// How a file is shown.
#[derive(Debug)]
enum Form {
    /// One line that is drawn anew, on a terminal.
    Bar(ProgressBar),
    /// A line now and then on standard error.
    Lines,
    /// Not at all.
    None,
}

/// Shows a file on its way.
#[derive(Debug)]
pub(crate) struct Download {
    /// Which file, and from where.
    title: String,
    form: Form,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    began: Instant,
    /// When a line was written last.
    said: Option<Instant>,
    /// What was seen last; nothing as long as nothing happens.
    now: String,
}

impl Download {
    /// The form that fits the flags and the terminal. Standard output is for data, so there is nothing to show with `--json`.
    pub(crate) fn new(title: String, global: &Global) -> Self {
        let form = if global.json || global.no_progress {
            Form::None
        } else if is_drawn(global) {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            // The template is a constant; should it be refused one day, the bar's own style is the fallback.
            if let Ok(plain) = ProgressStyle::with_template("{msg}") {
                bar.set_style(plain);
            }
            Form::Bar(bar)
        } else {
            Form::Lines
        };
        Self {
            title,
            form,
            seen: Mutex::new(Seen {
                began: Instant::now(),
                said: None,
                now: String::new(),
            }),
        }
    }

    /// Takes in and shows what happens.
    pub(crate) fn word(&self, word: &Word<'_>) {
        let is_trouble = matches!(word, Word::Again { .. });
        self.show(Some(text(word)), is_trouble);
    }

    /// Lets the clock go on while nothing happens.
    pub(crate) fn tick(&self) {
        self.show(None, false);
    }

    /// Says that the file is there, if it was on its way at all.
    pub(crate) fn close(self, fetched: Option<&Fetched>) {
        let seen = self.seen.into_inner().unwrap_or_else(PoisonError::into_inner);
        if let Form::Bar(bar) = &self.form {
            bar.finish_and_clear();
        }
        let Some(fetched) = fetched.filter(|_| !seen.now.is_empty()) else {
            return;
        };
        if !matches!(self.form, Form::None) {
            let took = time::length(seen.began.elapsed());
            let size = fetched.size.div_ceil(MIB);
            output::notice(&format!("fetched {}: {size} MiB, {took}", self.title));
        }
    }

    fn show(&self, now: Option<String>, at_once: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(now) = now {
            seen.now = now;
        }
        if seen.now.is_empty() {
            return;
        }
        let elapsed = time::length(seen.began.elapsed());
        let line = format!("fetching {}: {}, {elapsed}", self.title, seen.now);
        match &self.form {
            Form::Bar(bar) => bar.set_message(Stream::Err.paint(Tone::Active, &line)),
            Form::Lines if at_once || seen.said.is_none_or(|said| said.elapsed() >= SILENCE) => {
                seen.said = Some(Instant::now());
                output::notice(&line);
            }
            Form::Lines | Form::None => {}
        }
    }
}

fn text(word: &Word<'_>) -> String {
    match word {
        Word::Queued => "another installer fetches it; waiting for that one".to_owned(),
        Word::At {
            done,
            total: Some(total),
        } => format!("{} of {} MiB", done / MIB, total.div_ceil(MIB)),
        Word::At { done, total: None } => format!("{} MiB", done / MIB),
        Word::Again { cause, wait } => format!("{cause}; again in {}", time::length(*wait)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_mebibytes() {
        let at = |done, total| text(&Word::At { done, total });
        assert_eq!(at(12 * MIB, Some(70 * MIB - 1)), "12 of 70 MiB");
        assert_eq!(at(MIB - 1, None), "0 MiB");
    }
}
