//! Variables in a kit's files: `${NAME}`, as Flux substitutes them, but strictly.
//!
//! Flux (`postBuild`, github.com/fluxcd/pkg/envsubst) puts an empty text in the place of a variable it does not know, has
//! functions such as `${NAME:=text}`, and drops the quotes around a value before it substitutes. Here a variable has a
//! value, there are no functions, and a value is a text however it is quoted. What passes here, Flux reads the same way.

use std::collections::{BTreeMap, BTreeSet};

use thiserror::Error;

/// Why variables cannot be substituted. It names all that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SubstituteError {
    /// Variables without a value.
    #[error("these variables have no value: {}", list(.0))]
    Unknown(BTreeSet<String>),
    /// `${` that does not begin `${NAME}`.
    #[error("`{0}` is no variable: it has to be `${{NAME}}`, or `$${{` if it is to stay as it is")]
    Malformed(String),
}

fn list(names: &BTreeSet<String>) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Puts values in the place of `${NAME}`. `$$` becomes `$`; any other `$` stays as it is.
pub fn substitute(text: &str, values: &BTreeMap<String, String>) -> Result<String, SubstituteError> {
    let mut done = String::with_capacity(text.len());
    let mut unknown = BTreeSet::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        done.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            done.push('$');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let name = name(after).ok_or_else(|| SubstituteError::Malformed(excerpt(rest)))?;
            match values.get(name) {
                Some(value) => done.push_str(value),
                None => drop(unknown.insert(name.to_owned())),
            }
            rest = &after[name.len() + 1..];
        } else {
            done.push('$');
        }
    }
    done.push_str(rest);
    if unknown.is_empty() {
        Ok(done)
    } else {
        Err(SubstituteError::Unknown(unknown))
    }
}

/// The name at the start of a text, if a brace ends it.
fn name(text: &str) -> Option<&str> {
    let (name, _) = text.split_once('}')?;
    let begins_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let goes_on_well = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (begins_well && goes_on_well).then_some(name)
}

/// The first characters of what is wrong, in one line.
fn excerpt(rest: &str) -> String {
    let line = rest.lines().next().unwrap_or_default();
    format!("${}", line.chars().take(32).collect::<String>())
}

/// Why a text is not the value of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BadValue {
    /// A character with a meaning in YAML or none at all.
    #[error(
        "a value has ASCII letters and digits and, between them, `.` `_` `/` `@` `:` `+` `-`, so that it stays one text in YAML"
    )]
    Characters,
    /// Something that YAML reads as a number, a truth value or nothing.
    #[error("YAML reads it as a number, a truth value or nothing, and not as a text")]
    NotAText,
}

/// Whether a text can be the value of a variable: a text to YAML, whether in quotes or not.
pub fn check_value(value: &str) -> Result<(), BadValue> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._/@:+-".contains(c);
    let ends_well = value.starts_with(|c: char| c.is_ascii_alphanumeric())
        && value.ends_with(|c: char| c.is_ascii_alphanumeric());
    if !ends_well || !value.chars().all(allowed) {
        return Err(BadValue::Characters);
    }
    let lower = value.to_ascii_lowercase().replace('_', "");
    let word = matches!(
        lower.as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
    );
    let based = ["0x", "0o", "0b"].iter().any(|base| {
        let digits = lower.strip_prefix(base);
        digits.is_some_and(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))
    });
    if word || based || lower.parse::<f64>().is_ok() {
        return Err(BadValue::NotAText);
    }
    Ok(())
}
