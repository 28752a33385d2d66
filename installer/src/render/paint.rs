//! Colours, on the streams that want them. `NO_COLOR`, `CLICOLOR` and `CLICOLOR_FORCE` are respected.

use console::Style;

/// Where a text will be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// What a colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Came out well.
    Good,
    /// Is going on.
    Active,
    /// Wants attention.
    Warn,
    /// Went wrong.
    Bad,
    /// Can be skipped when reading.
    Faint,
    /// Headings.
    Strong,
}

impl Stream {
    /// The text in its colour, or as it is where colours are unwanted.
    pub(crate) fn paint(self, tone: Tone, text: &str) -> String {
        let style = match tone {
            Tone::Good => Style::new().green(),
            Tone::Active => Style::new().cyan(),
            Tone::Warn => Style::new().yellow(),
            Tone::Bad => Style::new().red().bold(),
            Tone::Faint => Style::new().dim(),
            Tone::Strong => Style::new().bold(),
        };
        let style = match self {
            Self::Out => style.for_stdout(),
            Self::Err => style.for_stderr(),
        };
        style.apply_to(text).to_string()
    }
}
