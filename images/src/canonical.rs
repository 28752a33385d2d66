//! JSON with sorted keys: the same value is the same bytes, and so the same digest.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// The bytes of a value that has no keys but strings, and so cannot fail.
#[expect(clippy::expect_used, reason = "values of this crate have string keys")]
pub(crate) fn json(value: &impl Serialize) -> Vec<u8> {
    let value = serde_json::to_value(value).expect("string keys");
    serde_json::to_vec(&Sorted(&value)).expect("string keys")
}

struct Sorted<'a>(&'a Value);

impl Serialize for Sorted<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                let sorted: BTreeMap<_, _> = map.iter().map(|(key, value)| (key, Sorted(value))).collect();
                serializer.collect_map(sorted)
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Sorted)),
            other => other.serialize(serializer),
        }
    }
}
