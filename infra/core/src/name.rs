//! The Sovereign's name. Everything the installer makes carries it, so it is short, lower-case and never reused by accident.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Names the platform itself needs.
const RESERVED: [&str; 7] = [
    "system",
    "flux",
    "crossplane",
    "catalyst",
    "gitea",
    "default",
    "sovereign",
];

/// Why a text is not a [`SovereignName`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NameError {
    /// Too short or too long.
    #[error("`{0}` has {1} characters; a Sovereign name has 3 to 32")]
    Length(String, usize),
    /// A character that is not allowed where it stands.
    #[error(
        "`{0}` is not a slug: it starts with a-z, goes on with a-z, 0-9 and single hyphens, and does not end in a hyphen"
    )]
    NotASlug(String),
    /// Used by the platform.
    #[error("`{0}` is reserved for the platform")]
    Reserved(String),
}

/// A Sovereign's name: a slug of 3 to 32 characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SovereignName(String);

impl SovereignName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for SovereignName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let length = text.chars().count();
        if !(3..=32).contains(&length) {
            return Err(NameError::Length(text.to_owned(), length));
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let slug = text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.chars().all(allowed)
            && !text.ends_with('-')
            && !text.contains("--");
        if !slug {
            return Err(NameError::NotASlug(text.to_owned()));
        }
        if RESERVED.contains(&text) || text.starts_with("kube-") {
            return Err(NameError::Reserved(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for SovereignName {
    type Error = NameError;

    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}

impl From<SovereignName> for String {
    fn from(name: SovereignName) -> Self {
        name.0
    }
}

impl fmt::Display for SovereignName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
