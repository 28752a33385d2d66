//! Names inside a registry: repositories, tags, and what is meant by both. Grammar: OCI distribution specification 1.1.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::{BadDigest, Digest};

/// Longest repository name, in bytes.
const LONGEST_REPOSITORY: usize = 255;
/// Longest tag, in bytes.
const LONGEST_TAG: usize = 128;

/// A text that names nothing a registry could hold.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadName {
    /// Not a repository.
    #[error(
        "`{0}` is no repository name: it has to be lower-case letters, digits and single `.`, `_`, `-` in parts divided by `/`"
    )]
    Repository(String),
    /// Not a tag.
    #[error(
        "`{0}` is no tag: it has to be up to 128 letters, digits, `_`, `.` and `-`, the first no `.` or `-`"
    )]
    Tag(String),
    /// Neither `repository:tag` nor `repository@digest`.
    #[error("`{0}` names no manifest: write `repository:tag` or `repository@sha256:...`")]
    Target(String),
    /// Not a digest.
    #[error(transparent)]
    Digest(#[from] BadDigest),
}

/// Name of a repository, such as `ghcr.io/fluxcd/source-controller` or `kit`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repository(String);

/// A tag, such as `1.2.3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Tag(String);

/// What a manifest is asked for by: a tag, or its digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// By tag.
    Tag(Tag),
    /// By digest.
    Digest(Digest),
}

/// A manifest in a repository, written `repository:tag` or `repository@sha256:...`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Where.
    pub repository: Repository,
    /// Which.
    pub version: Version,
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_component(text: &str) -> bool {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = text.split(alphanumeric).filter(|between| !between.is_empty());
    text.starts_with(alphanumeric)
        && text.ends_with(alphanumeric)
        && separators
            .into_iter()
            .all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

impl Repository {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Repository {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.len() > LONGEST_REPOSITORY || !text.split('/').all(is_component) {
            return Err(BadName::Repository(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl Tag {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The tag of a manifest's signatures, as cosign writes it.
    pub fn of_signatures(digest: Digest) -> Self {
        Self(format!("sha256-{}.sig", digest.hex()))
    }

    /// Whether it is the tag of some manifest's signatures.
    pub fn is_of_signatures(&self) -> bool {
        let hex = self
            .0
            .strip_prefix("sha256-")
            .and_then(|rest| rest.strip_suffix(".sig"));
        hex.is_some_and(|hex| format!("sha256:{hex}").parse::<Digest>().is_ok())
    }

    /// The tag of a version. A registry takes no `+`; Helm writes `_` for it, and so do we.
    pub fn of_version(version: &str) -> Result<Self, BadName> {
        version.replace('+', "_").parse()
    }
}

impl FromStr for Tag {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let fits = text.starts_with(word) && text.chars().all(|c| word(c) || matches!(c, '.' | '-'));
        if text.len() > LONGEST_TAG || !fits {
            return Err(BadName::Tag(text.to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for Version {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        if text.contains(':') {
            return Ok(Self::Digest(text.parse()?));
        }
        Ok(Self::Tag(text.parse()?))
    }
}

impl Target {
    /// The manifest with a tag.
    pub fn tag(repository: &Repository, tag: &Tag) -> Self {
        Self {
            repository: repository.clone(),
            version: Version::Tag(tag.clone()),
        }
    }

    /// The manifest with a digest.
    pub fn digest(repository: &Repository, digest: Digest) -> Self {
        Self {
            repository: repository.clone(),
            version: Version::Digest(digest),
        }
    }
}

impl FromStr for Target {
    type Err = BadName;

    fn from_str(text: &str) -> Result<Self, BadName> {
        let bad = || BadName::Target(text.to_owned());
        let at = text.find(['@', ':']).ok_or_else(bad)?;
        let (repository, version) = (&text[..at], &text[at + 1..]);
        let version = match text.as_bytes()[at] {
            b'@' => Version::Digest(version.parse()?),
            _ => Version::Tag(version.parse()?),
        };
        Ok(Self {
            repository: repository.parse()?,
            version,
        })
    }
}

macro_rules! text {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = BadName;

            fn try_from(text: String) -> Result<Self, BadName> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text!(Repository);
text!(Tag);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => tag.fmt(f),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let divider = match self.version {
            Version::Tag(_) => ':',
            Version::Digest(_) => '@',
        };
        write!(f, "{}{divider}{}", self.repository, self.version)
    }
}

#[cfg(test)]
mod tests;
