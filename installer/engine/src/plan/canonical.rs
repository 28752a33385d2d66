//! One text for one JSON value, whatever order its keys were put in.

use serde_json::Value;

/// The value as JSON with keys sorted and no spaces.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_by_key(|(key, _)| key.as_str());
            list(text, ['{', '}'], members, |(key, value), text| {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                write(value, text);
            });
        }
        Value::Array(items) => list(text, ['[', ']'], items, write),
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn list<T>(
    text: &mut String,
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = T>,
    each: impl Fn(T, &mut String),
) {
    text.push(open);
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        each(item, text);
    }
    text.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sorts_keys_at_every_depth_and_escapes_them() {
        let value: Value =
            serde_json::from_str(r#"{ "b": [ {"z": null, "a\"": 1.5}, [] ], "a": { }, "ä": "\n" }"#).unwrap();
        assert_eq!(
            canonical(&value),
            r#"{"a":{},"b":[{"a\"":1.5,"z":null},[]],"ä":"\n"}"#
        );
    }
}
