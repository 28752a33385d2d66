//! What is wrong with a delegation, said so that a person can act on it.

use serde::Serialize;
use sovereign_core::finding::Severity;

/// One problem, wherever it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DelegationFinding {
    /// How much it weighs.
    pub severity: Severity,
    /// Stable identifier for machines, for example `soa.serial`; `docs/reference/dns-findings.md` has them all.
    pub code: &'static str,
    /// What is wrong, in one lower-case line without a full stop.
    pub message: String,
    /// Where it was seen: servers with their addresses; empty when it concerns the whole.
    pub places: Vec<String>,
    /// Why that matters.
    pub reason: String,
    /// What to do next.
    pub remedy: String,
}

/// Findings as they are made; those that say the same of several places become one.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<DelegationFinding>);

impl Findings {
    /// Adds one that concerns the whole.
    pub(super) fn add(&mut self, code: Code, message: impl Into<String>) {
        self.push(code, message.into(), None);
    }

    /// Adds one that was seen at a place.
    pub(super) fn at(&mut self, code: Code, place: &impl ToString, message: impl Into<String>) {
        self.push(code, message.into(), Some(place.to_string()));
    }

    fn push(&mut self, code: Code, message: String, place: Option<String>) {
        let known = self
            .0
            .iter_mut()
            .find(|finding| finding.code == code.name && finding.message == message);
        if let Some(known) = known {
            known
                .places
                .extend(place.filter(|place| !known.places.contains(place)));
            return;
        }
        self.0.push(DelegationFinding {
            severity: code.severity,
            code: code.name,
            message,
            places: place.into_iter().collect(),
            reason: code.reason.to_owned(),
            remedy: code.remedy.to_owned(),
        });
    }

    /// All of them, the heaviest first, otherwise in the order in which they were made.
    pub(super) fn into_sorted(mut self) -> Vec<DelegationFinding> {
        self.0.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
        self.0
    }
}

/// A kind of finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Stable identifier.
    pub name: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// Why it matters.
    pub reason: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}
