//! Reads fields out of a tree and collects problems instead of stopping at them.

use std::fmt::Display;
use std::str::FromStr;

use super::node::{Entry, Node, Value};
use crate::finding::{Finding, Position, Severity};

/// Collects problems.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) findings: Vec<Finding>,
}

/// A node with its path.
#[derive(Debug, Clone)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    pub(super) path: String,
}

impl<'a> At<'a> {
    pub(super) fn root(node: &'a Node) -> Self {
        Self {
            node,
            path: String::new(),
        }
    }

    /// The value under a key, where there is one that is not null.
    pub(super) fn get(&self, key: &str) -> Option<At<'a>> {
        let Value::Map(entries) = &self.node.value else {
            return None;
        };
        let (.., node) = entries.iter().find(|(name, ..)| name == key)?;
        (!matches!(node.value, Value::Null)).then(|| At {
            node,
            path: self.child(key),
        })
    }

    pub(super) fn child(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }
}

impl Reader {
    pub(super) fn say(
        &mut self,
        severity: Severity,
        at: &At<'_>,
        code: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let finding = Finding::new(severity, format!("spec.{code}"), &*at.path, message, remedy);
        self.findings.push(Finding {
            position: Some(at.node.position),
            ..finding
        });
    }

    pub(super) fn error(
        &mut self,
        at: &At<'_>,
        code: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.say(Severity::Error, at, code, message, remedy);
    }

    /// A group of these keys and no others.
    pub(super) fn keys(&mut self, at: &At<'_>, known: &[&str]) -> Option<()> {
        for (key, position, _) in self.group(at, known)? {
            if !known.contains(&key.as_str()) {
                self.unknown(at, key, *position, known);
            }
        }
        Some(())
    }

    /// A group of keys; which ones beside `known` it has is seen later.
    pub(super) fn group<'a>(&mut self, at: &At<'a>, known: &[&str]) -> Option<&'a [Entry]> {
        if let Value::Map(entries) = &at.node.value {
            return Some(entries);
        }
        let message = format!(
            "{} is {} where a group of keys is expected",
            name(at),
            at.node.value.words()
        );
        self.error(
            at,
            "type",
            message,
            format!("write the keys {} below it", list(known)),
        );
        None
    }

    fn unknown(&mut self, at: &At<'_>, key: &str, position: Position, known: &[&str]) {
        let near = known.iter().find(|k| alike(k, key));
        let remedy = near.map_or_else(
            || format!("known here: {}", list(known)),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("`{key}` is not a key a spec has here");
        self.error_at(position, at.child(key), "unknown_key", message, remedy);
    }

    /// An error at a key.
    pub(super) fn error_at(
        &mut self,
        position: Position,
        path: String,
        code: &str,
        message: String,
        remedy: String,
    ) {
        let finding = Finding::new(Severity::Error, format!("spec.{code}"), path, message, remedy);
        self.findings.push(Finding {
            position: Some(position),
            ..finding
        });
    }

    /// The value under a key that must be there.
    pub(super) fn need<'a>(&mut self, at: &At<'a>, key: &str, example: &str) -> Option<At<'a>> {
        let found = at.get(key);
        if found.is_none() && matches!(at.node.value, Value::Map(_)) {
            let message = format!("`{}` is missing", at.child(key));
            self.error(
                at,
                "missing",
                message,
                format!("add it, for example `{key}: {example}`"),
            );
        }
        found
    }

    pub(super) fn text<'a>(&mut self, at: &At<'a>) -> Option<&'a str> {
        if let Value::Scalar(text) = &at.node.value {
            return Some(text);
        }
        self.error(
            at,
            "type",
            format!(
                "{} is {} where a plain value is expected",
                name(at),
                at.node.value.words()
            ),
            "write one value",
        );
        None
    }

    /// A plain value that `T` understands.
    pub(super) fn value<T: FromStr>(&mut self, at: &At<'_>, what: &str, remedy: &str) -> Option<T>
    where
        T::Err: Display,
    {
        let text = self.text(at)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(at, "value", format!("`{text}` is not {what}: {error}"), remedy);
                None
            }
        }
    }

    pub(super) fn flag(&mut self, at: &At<'_>, key: &str, default: bool) -> Option<bool> {
        match at.get(key) {
            Some(at) => self.value(&at, "a switch", "write `true` or `false`"),
            None => Some(default),
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&mut self, at: &At<'_>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(at)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let near = known.iter().find(|word| alike(word, text));
        let remedy = near.map_or_else(
            || format!("write one of {}", list(&known)),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(
            at,
            "word",
            format!("`{text}` is not known as {}", name(at)),
            remedy,
        );
        None
    }

    pub(super) fn list<'a>(&mut self, at: &At<'a>) -> Option<Vec<At<'a>>> {
        let Value::List(items) = &at.node.value else {
            self.error(
                at,
                "type",
                format!(
                    "{} is {} where a list is expected",
                    name(at),
                    at.node.value.words()
                ),
                "write `- ` before each entry, or `[a, b]`",
            );
            return None;
        };
        Some(
            items
                .iter()
                .enumerate()
                .map(|(i, node)| At {
                    node,
                    path: format!("{}[{i}]", at.path),
                })
                .collect(),
        )
    }

    pub(super) fn texts(&mut self, at: &At<'_>) -> Option<Vec<String>> {
        let items = self.list(at)?;
        all(items.iter().map(|item| self.text(item).map(str::to_owned)))
    }
}

/// All values, or none; every item is read either way, so that every problem is found.
pub(super) fn all<T>(items: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let items: Vec<Option<T>> = items.collect();
    items.into_iter().collect()
}

fn name(at: &At<'_>) -> String {
    if at.path.is_empty() {
        "the document".to_owned()
    } else {
        format!("`{}`", at.path)
    }
}

pub(super) fn list(words: &[&str]) -> String {
    words
        .iter()
        .map(|word| format!("`{word}`"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// Same letters but for case, hyphens and underscores, or one or two letters apart.
pub(super) fn alike(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_'], "");
    plain(a) == plain(b) || distance(a, b) <= usize::from(a.len() > 3) + usize::from(a.len() > 6)
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (corner + usize::from(x != *y))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            corner = row[j + 1];
            row[j + 1] = next;
        }
    }
    row[b.len()]
}
