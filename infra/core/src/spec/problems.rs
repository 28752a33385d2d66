//! Every problem of a document, and how it is shown beside the line it concerns.

use std::fmt::{self, Write as _};

use thiserror::Error;

use crate::finding::Finding;

/// Every problem of a document, in the order of its lines; warnings stand among the errors.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct SpecProblems {
    /// The problems.
    pub findings: Vec<Finding>,
}

impl fmt::Display for SpecProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.findings.len();
        write!(
            f,
            "the spec has {count} {}",
            if count == 1 { "problem" } else { "problems" }
        )
    }
}

impl SpecProblems {
    /// The problems for a person, each with the line it concerns. Lines that may hold a secret are not shown.
    pub fn render(&self, document: &str, file: &str) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let _ = writeln!(text, "{}", render(finding, document, file));
        }
        text
    }
}

fn render(finding: &Finding, document: &str, file: &str) -> String {
    let Finding {
        severity,
        path,
        position,
        message,
        remedy,
        ..
    } = finding;
    let word = format!("{severity:?}").to_lowercase();
    let mut text = format!("{word}: {message}\n");
    if let Some(position) = position {
        let _ = writeln!(
            text,
            "  --> {file}:{}:{}{}",
            position.line,
            position.column,
            at(path)
        );
        let line = document
            .lines()
            .nth(position.line as usize - 1)
            .filter(|_| !finding.code.contains("secret"));
        if let Some(line) = line {
            let number = position.line.to_string();
            let pad = " ".repeat(position.column as usize - 1);
            let _ = writeln!(text, "{number} | {line}\n{} | {pad}^", " ".repeat(number.len()));
        }
    } else {
        let _ = writeln!(text, "  --> {file}{}", at(path));
    }
    let _ = writeln!(text, "hint: {remedy}");
    text
}

fn at(path: &str) -> String {
    if path.is_empty() {
        String::new()
    } else {
        format!(" ({path})")
    }
}
