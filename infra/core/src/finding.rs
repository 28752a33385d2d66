//! One problem found in a document or in the world, said so that a person can act on it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a [`Finding`] weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing stops.
    Note,
    /// Probably not what was meant; nothing stops.
    Warning,
    /// Nothing is created until this is mended.
    Error,
}

/// A place in a document, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// One problem: where it is, what is wrong, why that matters and what to do next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Weight of the problem.
    pub severity: Severity,
    /// Stable identifier for machines, for example `spec.network.clash`.
    pub code: String,
    /// Path in the spec, for example `regions[0].controlPlane.count`; empty when it concerns the whole.
    pub path: String,
    /// Place in the document, where one is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    /// What is wrong, in one lower-case line without a full stop.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

impl Finding {
    /// A finding without a document position.
    pub fn new(
        severity: Severity,
        code: impl Into<String>,
        path: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code: code.into(),
            path: path.into(),
            position: None,
            message: message.into(),
            remedy: remedy.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        write!(f, "{severity}")?;
        if !self.path.is_empty() {
            write!(f, " at `{}`", self.path)?;
        }
        if let Some(Position { line, column }) = self.position {
            write!(f, " (line {line}, column {column})")?;
        }
        write!(f, ": {}\n  hint: {}", self.message, self.remedy)
    }
}
