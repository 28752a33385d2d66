//! The tree of steps on a terminal. The text is a pure function of the run; indicatif only draws it.

use console::Emoji;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;

use crate::render::events::wait_text;
use crate::render::paint::{Stream, Tone};
use crate::render::time;
use crate::run_view::{RunView, StepView};

/// A group with more steps than this is shown as counters.
const COLLAPSE_ABOVE: usize = 20;
/// Steps in flight that a collapsed group still names.
const NAMED_IN_COLLAPSED: usize = 3;

/// The tree, drawn on standard error.
#[derive(Debug)]
pub(crate) struct Tree {
    bars: MultiProgress,
    lines: Vec<ProgressBar>,
}

impl Tree {
    /// An empty tree.
    pub(crate) fn new() -> Self {
        Self {
            bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(10)),
            lines: Vec::new(),
        }
    }

    /// Draws the run as it is now.
    pub(crate) fn draw(&mut self, view: &RunView, now: Timestamp) {
        let (height, width) = console::Term::stderr().size();
        let texts = lines(view, now, usize::from(height), usize::from(width));
        while self.lines.len() > texts.len() {
            if let Some(bar) = self.lines.pop() {
                bar.finish_and_clear();
                self.bars.remove(&bar);
            }
        }
        while self.lines.len() < texts.len() {
            let bar = self.bars.add(ProgressBar::new_spinner());
            // The template is a constant; should it be refused one day, the spinner's own style is the fallback.
            if let Ok(plain) = ProgressStyle::with_template("{msg}") {
                bar.set_style(plain);
            }
            self.lines.push(bar);
        }
        for (bar, text) in self.lines.iter().zip(texts) {
            if bar.message() != text {
                bar.set_message(text);
            }
        }
    }

    /// Leaves the last picture on the screen.
    pub(crate) fn close(self) {
        for bar in &self.lines {
            bar.abandon();
        }
    }

    /// Prints a line above the tree.
    pub(crate) fn print_above(&self, text: &str) {
        // A terminal that is gone is nobody's loss.
        let _ = self.bars.println(text);
    }
}

/// The tree as lines that fit the terminal.
fn lines(view: &RunView, now: Timestamp, height: usize, width: usize) -> Vec<String> {
    let mut all = vec![headline(view, now)];
    for (name, steps) in groups(view) {
        all.push(group_line(name, &steps, now));
        all.extend(step_lines(&steps, now));
    }
    let room = height.saturating_sub(2).max(3);
    if all.len() > room {
        let hidden = all.len() - room + 1;
        all.truncate(room - 1);
        all.push(Stream::Err.paint(Tone::Faint, &format!("  … {hidden} more lines")));
    }
    let fit = |line: String| console::truncate_str(&line, width.saturating_sub(1).max(20), "…").into_owned();
    all.into_iter().map(fit).collect()
}

fn headline(view: &RunView, now: Timestamp) -> String {
    let verb = view.purpose.word();
    let name = Stream::Err.paint(Tone::Strong, &format!("{verb} {}", view.sovereign));
    let elapsed = time::clock(view.elapsed(now));
    format!("{name}  {} of {} steps  {elapsed}", view.done(), view.steps.len())
}

/// The steps of each group, groups in the order of their first step.
fn groups(view: &RunView) -> Vec<(&str, Vec<&StepView>)> {
    let mut groups: Vec<(&str, Vec<&StepView>)> = Vec::new();
    for step in &view.steps {
        match groups.iter_mut().find(|(name, _)| *name == step.group()) {
            Some((_, steps)) => steps.push(step),
            None => groups.push((step.group(), vec![step])),
        }
    }
    groups
}

fn group_line(name: &str, steps: &[&StepView], now: Timestamp) -> String {
    let done = steps.iter().filter(|step| step.is_done()).count();
    let began = steps.iter().filter_map(|step| step.began).min();
    let ended = if done == steps.len() {
        steps.iter().filter_map(|step| step.ended).max()
    } else {
        None
    };
    let elapsed = began
        .map(|began| time::length(time::between(began, ended.unwrap_or(now))))
        .unwrap_or_default();
    let symbol = if steps.iter().any(|step| step.is_stopped()) {
        bad()
    } else if done == steps.len() {
        good()
    } else if began.is_some() {
        active()
    } else {
        pending()
    };
    let count = format!("{done}/{}", steps.len());
    let name = name.replace('_', " ");
    format!("{symbol} {name:<18} {count:>9}  {elapsed}")
        .trim_end()
        .to_owned()
}

/// The lines below a group: what is in flight and what stopped; what is done or not begun is only counted.
fn step_lines(steps: &[&StepView], now: Timestamp) -> Vec<String> {
    let active: Vec<&StepView> = steps.iter().copied().filter(|step| step.is_active()).collect();
    let stopped = steps.iter().copied().filter(|step| step.is_stopped());
    let mut lines: Vec<String> = stopped.map(|step| step_line(&bad(), step, now)).collect();
    if steps.len() > COLLAPSE_ABOVE {
        let mut oldest = active.clone();
        oldest.sort_by_key(|step| step.began);
        lines.truncate(COLLAPSE_ABOVE);
        if active.len() > NAMED_IN_COLLAPSED {
            let retrying = active.iter().filter(|step| step.retry.is_some()).count();
            lines.push(format!(
                "    {} in flight, {retrying} of them retrying; the oldest:",
                active.len()
            ));
        }
        lines.extend(
            oldest
                .iter()
                .take(NAMED_IN_COLLAPSED)
                .map(|step| step_line(&self::active(), step, now)),
        );
    } else {
        lines.extend(active.iter().map(|step| step_line(&self::active(), step, now)));
    }
    lines
}

fn step_line(symbol: &str, step: &StepView, now: Timestamp) -> String {
    let elapsed = time::length(step.elapsed(now));
    let detail = match (&step.retry, &step.wait) {
        (Some(cause), _) => Stream::Err.paint(Tone::Warn, &format!("retry: {cause}")),
        (None, Some(wait)) => Stream::Err.paint(Tone::Faint, &wait_text(wait)),
        (None, None) => stop_text(step),
    };
    format!("  {symbol} {}  {elapsed}  {detail}", step.title)
        .trim_end()
        .to_owned()
}

fn stop_text(step: &StepView) -> String {
    use sovereign_engine::status::StepStatus as S;
    match &step.status {
        S::Failed { cause, .. } | S::UndoFailed { cause, .. } => Stream::Err.paint(Tone::Bad, cause),
        S::Held { reason, .. } => Stream::Err.paint(Tone::Warn, reason),
        _ => String::new(),
    }
}

fn good() -> String {
    Stream::Err.paint(Tone::Good, &Emoji("✓", "+").to_string())
}

fn active() -> String {
    Stream::Err.paint(Tone::Active, &Emoji("▸", ">").to_string())
}

fn bad() -> String {
    Stream::Err.paint(Tone::Bad, &Emoji("✗", "x").to_string())
}

fn pending() -> String {
    Stream::Err.paint(Tone::Faint, &Emoji("·", ".").to_string())
}

#[cfg(test)]
mod tests;
