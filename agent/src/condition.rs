//! What an object of the cluster says of itself.

use kube::api::DynamicObject;

use crate::lines::line;

/// A condition in an object's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) status: String,
    pub(crate) reason: String,
    pub(crate) message: String,
    generation: Option<i64>,
}

impl Condition {
    /// The condition of that type.
    pub(crate) fn of(object: &DynamicObject, wanted: &str) -> Option<Self> {
        let conditions = object.data["status"]["conditions"].as_array()?;
        let found = conditions.iter().find(|one| one["type"] == wanted)?;
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        Some(Self {
            status: text("status"),
            reason: text("reason"),
            message: text("message"),
            generation: found["observedGeneration"].as_i64(),
        })
    }

    /// Whether the object has the condition of that type, and it is true.
    pub(crate) fn is_true(object: &DynamicObject, wanted: &str) -> bool {
        Self::of(object, wanted).is_some_and(|condition| condition.status == "True")
    }

    /// Whether it speaks of the object as it is now.
    pub(crate) fn is_current(&self, object: &DynamicObject) -> bool {
        let observed = self
            .generation
            .or_else(|| object.data["status"]["observedGeneration"].as_i64());
        observed.is_none_or(|observed| observed >= object.metadata.generation.unwrap_or_default())
    }

    /// Reason and message, in one line.
    pub(crate) fn words(&self) -> String {
        let message = line(&self.message);
        match (self.reason.as_str(), message.as_str()) {
            ("", message) => message.to_owned(),
            (reason, "") => reason.to_owned(),
            (reason, message) => format!("{reason}: {message}"),
        }
    }
}
