//! A document as a tree of text with positions, before anything is known about its meaning.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::finding::{Finding, Position, Severity};

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) position: Position,
}

/// A key, its place and its value.
pub(super) type Entry = (String, Position, Node);

#[derive(Debug)]
pub(super) enum Value {
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

impl Value {
    /// What it is, for a message.
    pub(super) fn words(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Scalar(_) => "a plain value",
            Self::List(_) => "a list",
            Self::Map(_) => "a group of keys",
        }
    }
}

/// Reads one YAML document. Aliases, tags, duplicate keys and a second document are refused by the parser.
pub(super) fn read(document: &str) -> Result<Node, Finding> {
    let syntax = |message: String, position| Finding {
        position,
        ..Finding::new(
            Severity::Error,
            "spec.yaml",
            "",
            message,
            "correct the YAML; a spec is one document of plain keys and values",
        )
    };
    if document.trim().is_empty() {
        return Err(syntax("the document is empty".into(), None));
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let spanned: Spanned<Value> =
        serde_saphyr::from_str_with_options(document, options).map_err(|error| {
            let position = error.location().map(|at| place(&at));
            let text = error.without_snippet().to_string();
            syntax(
                format!("this is not YAML a spec can be in: {}", in_plain_words(&text)),
                position,
            )
        })?;
    Ok(node(spanned))
}

/// The first line of the parser's message, without its advice to programmers and without the place, which is shown beside it.
fn in_plain_words(message: &str) -> &str {
    let first = message.lines().next().unwrap_or_default();
    let ends = ["; use ", ", set ", " at line "]
        .into_iter()
        .filter_map(|mark| first.find(mark));
    first.get(..ends.min().unwrap_or(first.len())).unwrap_or(first)
}

fn place(location: &serde_saphyr::Location) -> Position {
    let number = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
    Position {
        line: number(location.line()),
        column: number(location.column()),
    }
}

fn node(spanned: Spanned<Value>) -> Node {
    Node {
        position: place(&spanned.referenced),
        value: spanned.value,
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a group of keys")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Scalar(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Value>>()? {
            list.push(node(item));
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Value>>()? {
            let position = place(&key.referenced);
            map.push((key.value, position, node(value)));
        }
        Ok(Value::Map(map))
    }
}
