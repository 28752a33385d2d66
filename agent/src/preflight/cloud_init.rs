//! How the first boot went. The agent comes even if a stage of cloud-init failed; what that stage was to do may be missing.

use serde::Deserialize;
use sovereign_core::agent::HostCheck;

use super::{fine, warning};
use crate::host::Host;
use crate::systemd::Properties;

/// The stages, in their order.
const STAGES: [&str; 4] = [
    "cloud-init-local.service",
    "cloud-init.service",
    "cloud-config.service",
    "cloud-final.service",
];
/// Written once cloud-init is done.
const RESULT: &str = "/run/cloud-init/result.json";
const NAME: &str = "cloud-init";
const REASON: &str = "what a failed stage was to do is missing on this host";
const REMEDY: &str = "see `cloud-init status --long` and /var/log/cloud-init.log on it; mended, build the server anew, or go on if nothing is missing";

/// What cloud-init says when it is done.
#[derive(Debug, Deserialize)]
struct Outcome {
    v1: Errors,
}

#[derive(Debug, Deserialize)]
struct Errors {
    #[serde(default)]
    errors: Vec<String>,
}

pub(super) async fn check(host: &Host) -> HostCheck {
    for unit in STAGES {
        if let Some(said) = failure(host, unit).await {
            return warning(NAME, format!("{unit} failed: {said}"), REASON, REMEDY);
        }
    }
    let outcome: Option<Outcome> = serde_json::from_str(&host.root.text(RESULT)).ok();
    match outcome.map(|outcome| outcome.v1.errors) {
        Some(errors) if !errors.is_empty() => warning(NAME, errors.join("; "), REASON, REMEDY),
        Some(_) => fine(NAME, "done"),
        None => fine(NAME, "no failure"),
    }
}

/// What a stage wrote last, if it failed.
async fn failure(host: &Host, unit: &str) -> Option<String> {
    let state = Properties::of(host, unit, "ActiveState", "").await.ok()?;
    if state.value("ActiveState") != "failed" {
        return None;
    }
    // Without the unit's name: what the service manager says of a unit is not what the unit says.
    let journal = host
        .run(
            "journalctl",
            &[
                "-b",
                "-n",
                "20",
                "--no-pager",
                "-o",
                "cat",
                &format!("_SYSTEMD_UNIT={unit}"),
            ],
        )
        .await;
    let said = journal.ok().and_then(|journal| journal.last_lines().pop());
    Some(said.unwrap_or_else(|| "it said nothing".to_owned()))
}
