//! A record set, as a zone file has it.

use serde_json::{Value, json};

/// A record set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSet {
    /// Its name, with the dot at the end.
    pub name: String,
    /// Its type, for example `NS`.
    pub kind: String,
    /// Seconds that caches keep it.
    pub ttl: u32,
    /// The data of its records; none in a change removes the set.
    pub contents: Vec<String>,
}

impl RecordSet {
    /// A set of so many records.
    pub fn new<T: ToString>(name: &str, kind: &str, ttl: u32, contents: &[T]) -> Self {
        Self {
            name: name.to_owned(),
            kind: kind.to_owned(),
            ttl,
            contents: contents.iter().map(ToString::to_string).collect(),
        }
    }

    /// As `PowerDNS` takes it.
    pub(super) fn wire(&self) -> Value {
        let change = if self.contents.is_empty() {
            "DELETE"
        } else {
            "REPLACE"
        };
        let records = self.contents.iter();
        let records: Vec<Value> = records
            .map(|content| json!({ "content": content, "disabled": false }))
            .collect();
        json!({
            "name": self.name, "type": self.kind, "ttl": self.ttl, "changetype": change, "records": records,
        })
    }
}
