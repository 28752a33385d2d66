//! YAML as Kubernetes reads it.

use std::collections::BTreeMap;

use serde_json::Value;

/// Most events in one text: the definitions of a large operator are a few hundred thousand.
const MOST_EVENTS: usize = 4_000_000;

/// Reads documents; empty ones are left out. Kubernetes and Helm read YAML 1.1, where `0400` is octal and `yes` is true.
pub fn read(text: &str) -> Result<Vec<Value>, String> {
    let budget = serde_saphyr::budget! {
        max_events: MOST_EVENTS,
        max_nodes: MOST_EVENTS,
        max_total_scalar_bytes: 64 * 1024 * 1024,
        max_total_comment_bytes: 64 * 1024 * 1024,
    };
    let options = serde_saphyr::options! {
        budget: budget,
        legacy_octal_numbers: true,
        strict_booleans: false,
    };
    let documents: Vec<Value> =
        serde_saphyr::from_multiple_with_options(text, options).map_err(|error| error.to_string())?;
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}

/// Writes documents: sorted keys, and every text that some reader could take for something else in quotes. The same
/// documents are the same text.
pub fn write<'a>(documents: impl IntoIterator<Item = &'a Value>) -> Result<String, String> {
    let mut text = String::new();
    for document in documents {
        let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
        let one = serde_saphyr::to_string_with_options(&sorted(document), options)
            .map_err(|error| error.to_string())?;
        text.push_str("---\n");
        text.push_str(&one);
    }
    Ok(text)
}

/// The same with sorted keys.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let in_order: BTreeMap<_, _> = map.iter().collect();
            in_order
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_helm_writes_is_read_as_kubernetes_reads_it() {
        let text = "# none\n---\nmode: 0400\nport: \"6444\"\non: yes\n---\n---\nkind: B\n";
        let read = read(text).unwrap();
        assert_eq!(read[0]["mode"], 256);
        assert_eq!(read[0]["port"], "6444");
        assert_eq!(read[1], json!({"kind": "B"}));
        assert_eq!(read.len(), 2);
    }

    #[test]
    fn texts_stay_texts_to_every_reader() {
        for text in [
            "yes",
            "off",
            "y",
            "1e3",
            "0x1f",
            "0400",
            "1_000",
            "2026-01-01",
            "~",
            "",
            " a",
            "a: b",
            "${A}",
            "1:20",
        ] {
            let written = write([&json!({ "a": text })]).unwrap();
            assert_eq!(read(&written).unwrap(), [json!({ "a": text })], "{written}");
            let plain = format!("---\na: {text}\n");
            assert!(text == "${A}" || written != plain, "{written}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(text in any::<String>(), lines in "[a-z \n]{0,200}") {
            let value = json!({"b": [text, {"c": lines, "d": []}], "a": {}});
            let written = write([&value]).unwrap();
            prop_assert_eq!(read(&written).unwrap(), vec![value], "{}", written);
        }
    }
}
