//! Label selectors: `k=v`, `k==v`, `k!=v`, `k`, `!k`, `k in (a,b)`, `k notin (a,b)`, joined by commas.

use std::str::FromStr;

use serde_json::Value;
use thiserror::Error;

/// A text that is no label selector.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a label selector")]
pub struct SelectorError(String);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Term {
    Present(String),
    Absent(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
}

impl Term {
    fn matches(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str);
        match self {
            Self::Present(key) => value(key).is_some(),
            Self::Absent(key) => value(key).is_none(),
            Self::In(key, wanted) => value(key).is_some_and(|v| wanted.iter().any(|w| w == v)),
            Self::NotIn(key, refused) => value(key).is_none_or(|v| refused.iter().all(|r| r != v)),
        }
    }
}

/// A conjunction of terms over labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelSelector(Vec<Term>);

impl LabelSelector {
    /// Whether an object with these labels (a JSON object of strings) is selected.
    pub fn matches(&self, labels: &Value) -> bool {
        self.0.iter().all(|term| term.matches(labels))
    }
}

impl FromStr for LabelSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        split(text)
            .iter()
            .map(|term| parse_term(term.trim()))
            .collect::<Option<_>>()
            .map(Self)
            .ok_or_else(|| SelectorError(text.into()))
    }
}

/// Splits at commas that stand outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let mut depth = 0_i32;
    text.split(move |c| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        c == ',' && depth == 0
    })
    .collect()
}

fn parse_term(term: &str) -> Option<Term> {
    if let Some((key, list)) = term.split_once(" notin ") {
        return Some(Term::NotIn(parse_key(key)?, parse_list(list)?));
    }
    if let Some((key, list)) = term.split_once(" in ") {
        return Some(Term::In(parse_key(key)?, parse_list(list)?));
    }
    if let Some((key, value)) = term.split_once("!=") {
        return Some(Term::NotIn(parse_key(key)?, vec![parse_value(value)?]));
    }
    if let Some((key, value)) = term.split_once("==").or_else(|| term.split_once('=')) {
        return Some(Term::In(parse_key(key)?, vec![parse_value(value)?]));
    }
    if let Some(key) = term.strip_prefix('!') {
        return Some(Term::Absent(parse_key(key)?));
    }
    Some(Term::Present(parse_key(term)?))
}

fn parse_list(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    inner.split(',').map(parse_value).collect()
}

fn parse_key(text: &str) -> Option<String> {
    let key = text.trim();
    valid_key(key).then(|| key.to_owned())
}

fn parse_value(text: &str) -> Option<String> {
    let value = text.trim();
    valid_value(value).then(|| value.to_owned())
}

/// An optional DNS prefix and a name of at most 63 characters.
pub(crate) fn valid_key(key: &str) -> bool {
    let (prefix, name) = key
        .rsplit_once('/')
        .map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_fits = prefix.is_none_or(|p| {
        !p.is_empty()
            && p.len() <= 253
            && p.chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c))
    });
    prefix_fits && !name.is_empty() && valid_value(name)
}

/// At most 63 characters, letters or digits at both ends; may be empty.
pub(crate) fn valid_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        && edge(value.chars().next())
        && edge(value.chars().last())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn selects(selector: &str, labels: &Value) -> bool {
        selector
            .parse::<LabelSelector>()
            .expect("a selector")
            .matches(labels)
    }

    #[test]
    fn every_form() {
        let labels = json!({"a": "1", "example.com/b": "", "c": "x"});
        for yes in [
            "a=1",
            "a==1",
            "a!=2",
            "a",
            "!z",
            "a in (1,2)",
            "a notin (2,3)",
            "z!=1",
            "a=1,c=x",
            "example.com/b",
        ] {
            assert!(selects(yes, &labels), "{yes}");
        }
        for no in ["a=2", "z", "!a", "a in (2,3)", "a notin (1)", "a=1,c=y"] {
            assert!(!selects(no, &labels), "{no}");
        }
        for bad in ["", "=x", "a in 1", "a in (1", "a=-x", "/a", "a=1,,b"] {
            assert!(bad.parse::<LabelSelector>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,80}") {
            let _ = text.parse::<LabelSelector>();
        }

        #[test]
        fn a_term_and_its_negation_split_the_world(key in "[a-z]{1,8}", value in "[a-z0-9]{1,8}", has in proptest::option::of("[a-z0-9]{1,8}")) {
            let labels = has.map_or(json!({}), |v| json!({&key: v}));
            prop_assert_ne!(selects(&format!("{key}={value}"), &labels), selects(&format!("{key}!={value}"), &labels));
            prop_assert_ne!(selects(&key, &labels), selects(&format!("!{key}"), &labels));
            prop_assert_eq!(selects(&format!("{key} in ({value})"), &labels), selects(&format!("{key}={value}"), &labels));
        }
    }
}
