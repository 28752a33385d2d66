//! Actions: what runs for a while and then has an effect.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What happens when an action succeeds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Effect {
    /// Sets fields of a resource.
    Set { kind: String, id: u64, fields: Value },
    /// Removes a resource and what goes with it.
    Remove { kind: String, id: u64 },
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    pub(crate) id: u64,
    pub(crate) command: String,
    pub(crate) started: Timestamp,
    pub(crate) ends: Timestamp,
    pub(crate) resources: Vec<(String, u64)>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) error: Option<String>,
    /// Server and number of the wish that has to be fulfilled, beside the time that has to pass.
    #[serde(default)]
    pub(crate) awaits: Option<(u64, u64)>,
    /// What is said when it fails, if there is more to say than the code.
    #[serde(default)]
    pub(crate) why: Option<String>,
    pub(crate) done: bool,
    pub(crate) vanished: bool,
}

impl Action {
    /// The action as the API shows it.
    pub(crate) fn show(&self, now: Timestamp) -> Value {
        let resources: Vec<Value> = self
            .resources
            .iter()
            .map(|(kind, id)| json!({"id": id, "type": kind.strip_suffix('s').unwrap_or(kind)}))
            .collect();
        let status = match (self.done, &self.error) {
            (false, _) => "running",
            (true, None) => "success",
            (true, Some(_)) => "error",
        };
        let error = self.error.as_ref().filter(|_| self.done);
        json!({
            "id": self.id,
            "command": self.command,
            "status": status,
            "progress": self.progress(now),
            "started": self.started.to_string(),
            "finished": self.done.then(|| self.ends.to_string()),
            "resources": resources,
            "error": error.map(|code| json!({"code": code, "message": self.why.as_deref().unwrap_or("action failed")})),
        })
    }

    fn progress(&self, now: Timestamp) -> u8 {
        if self.done {
            return 100;
        }
        let whole = self.ends.duration_since(self.started).as_secs_f64().max(0.001);
        let part = now.duration_since(self.started).as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and 99"
        )]
        let percent = (part / whole * 100.0).clamp(0.0, 99.0) as u8;
        percent
    }
}
