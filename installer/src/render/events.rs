//! One event as text, for logs and for progress without a terminal.

use std::time::Duration;

use sovereign_core::agent::{SubStep, SubStepState};
use sovereign_core::event::{Event, EventKind, RunOutcome, Wait};

use crate::render::paint::{Stream, Tone};
use crate::render::time;
use crate::run_view::{RunView, StepView};

/// Width of the word that says what happened.
const WORD_WIDTH: usize = 8;

/// What an event says, without its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Said {
    /// What happened, in one word.
    word: &'static str,
    tone: Tone,
    /// On what, and how.
    text: String,
    /// What to do next.
    hint: Option<String>,
}

impl Said {
    fn new(word: &'static str, tone: Tone, text: String) -> Self {
        Self {
            word,
            tone,
            text,
            hint: None,
        }
    }

    fn hint(self, hint: &str) -> Self {
        Self {
            hint: Some(hint.to_owned()),
            ..self
        }
    }

    /// The event as one line, and a second one for the hint, each behind `time`.
    pub(crate) fn lines(&self, time: &str, stream: Stream) -> String {
        let word = stream.paint(self.tone, self.word);
        // Blanks come after the colour, so that the width is the same with and without it.
        let gap = " ".repeat(WORD_WIDTH.saturating_sub(self.word.len()));
        let mut lines = format!("{}  {word}{gap}{}", stream.paint(Tone::Faint, time), self.text);
        if let Some(hint) = &self.hint {
            let margin = " ".repeat(time.len() + 2 + WORD_WIDTH);
            lines.push_str(&format!(
                "\n{margin}{} {hint}",
                stream.paint(Tone::Strong, "hint:")
            ));
        }
        lines
    }
}

/// What an event says. `view` is the run after the event.
pub(crate) fn say(event: &Event, view: &RunView) -> Said {
    let step = event.step.as_deref().and_then(|name| view.step(name));
    let title = step.map_or_else(
        || event.step.clone().unwrap_or_default(),
        |step| step.title.clone(),
    );
    let took = || took(step, event);
    match &event.kind {
        EventKind::RunStarted { worker, steps } => {
            let verb = view.purpose.word();
            let done = view.done();
            let rest = if done == 0 {
                String::new()
            } else {
                format!(", {done} done before")
            };
            Said::new(
                "begin",
                Tone::Strong,
                format!("{verb} {}: {steps} steps{rest} ({worker})", view.sovereign),
            )
        }
        EventKind::StepStarted { attempt } => started("start", &title, *attempt),
        EventKind::UndoStarted { attempt } => started("remove", &title, *attempt),
        EventKind::StepRetrying { cause, after_ms } | EventKind::UndoRetrying { cause, after_ms } => {
            let after = time::length(Duration::from_millis(*after_ms));
            Said::new("retry", Tone::Warn, format!("{title}: {cause}; again in {after}"))
        }
        EventKind::StepSucceeded { found: true, .. } => Said::new("found", Tone::Good, title),
        EventKind::StepSucceeded { found: false, .. } => {
            Said::new("done", Tone::Good, format!("{title}{}", took()))
        }
        EventKind::UndoSucceeded => Said::new("removed", Tone::Good, format!("{title}{}", took())),
        EventKind::StepFailed { cause, remedy } | EventKind::UndoFailed { cause, remedy } => {
            Said::new("failed", Tone::Bad, format!("{title}: {cause}")).hint(remedy)
        }
        EventKind::StepHeld { reason, instructions } => {
            Said::new("held", Tone::Warn, format!("{title}: {reason}")).hint(instructions)
        }
        EventKind::Heartbeat { waits, more } => Said::new("wait", Tone::Faint, waiting(waits, *more, view)),
        EventKind::SubStep(part) => part_said(&title, part),
        EventKind::Note { message } if title.is_empty() => Said::new("note", Tone::Faint, message.clone()),
        EventKind::Note { message } => Said::new("note", Tone::Faint, format!("{title}: {message}")),
        EventKind::RunEnded { outcome } => {
            let (done, all) = (view.done(), view.steps.len());
            Said::new(
                "end",
                Tone::Strong,
                format!("{}, {done} of {all} steps done", outcome_word(*outcome)),
            )
        }
    }
}

/// A part of a step: `firewall: 12 rules`.
fn part_said(title: &str, part: &SubStep) -> Said {
    let name = format!("{title}: {}", part.name);
    match &part.state {
        SubStepState::Begun => Said::new("part", Tone::Faint, name),
        SubStepState::Done { changed, detail } => {
            let word = if *changed { "changed" } else { "as is" };
            let detail = if detail.is_empty() {
                String::new()
            } else {
                format!(": {detail}")
            };
            Said::new(word, Tone::Faint, format!("{name}{detail}"))
        }
        SubStepState::Failed { cause, remedy, log } => {
            let log: Vec<String> = log.iter().map(|line| format!("\n    | {line}")).collect();
            let log = log.concat();
            Said::new("trouble", Tone::Bad, format!("{name}: {cause}{log}")).hint(remedy)
        }
    }
}

/// How a run ended, in one word.
pub(crate) fn outcome_word(outcome: RunOutcome) -> &'static str {
    match outcome {
        RunOutcome::Completed => "completed",
        RunOutcome::Held => "held",
        RunOutcome::Cancelled => "cancelled",
        RunOutcome::Failed => "failed",
    }
}

fn started(word: &'static str, title: &str, attempt: u32) -> Said {
    let again = if attempt > 1 {
        format!(" (attempt {attempt})")
    } else {
        String::new()
    };
    Said::new(word, Tone::Active, format!("{title}{again}"))
}

fn took(step: Option<&StepView>, event: &Event) -> String {
    step.filter(|step| step.began.is_some())
        .map(|step| format!(" ({})", time::length(step.elapsed(event.at))))
        .unwrap_or_default()
}

/// One wait in words: what is waited for, what was seen last, for how long.
pub(crate) fn wait_text(wait: &Wait) -> String {
    let length = time::length(Duration::from_millis(wait.for_ms));
    let seen = if wait.last_seen.is_empty() {
        String::new()
    } else {
        format!(", saw {}", wait.last_seen)
    };
    format!("{}{seen} ({length})", wait.waiting_for)
}

fn waiting(waits: &[Wait], more: usize, view: &RunView) -> String {
    let Some(oldest) = waits.first() else {
        return "nothing in flight".to_owned();
    };
    let title = view
        .step(&oldest.step)
        .map_or(oldest.step.as_str(), |step| step.title.as_str());
    let others = waits.len() - 1 + more;
    let others = match others {
        0 => String::new(),
        1 => "; and 1 more step".to_owned(),
        _ => format!("; and {others} more steps"),
    };
    format!("{title}: {}{others}", wait_text(oldest))
}
