//! Text of one line, and of one line for each item.

use std::fmt::{Display, Write as _};

/// All of a text in one line.
pub(crate) fn line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every item in a line of its own, the last one ended too.
pub(crate) fn lines<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().fold(String::new(), |mut text, item| {
        // A string takes whatever is written.
        let _ = writeln!(text, "{item}");
        text
    })
}
