//! `logs`: what happened on this host.

use std::path::Path;
use std::time::Duration;

use sovereign_core::agent::{AgentEvent, AgentEventKind, SubStepState, Verdict};

use super::output;
use crate::fault::Fault;
use crate::ledger;
use crate::lines::lines;
use crate::root::Root;
use crate::state::EVENTS;

/// Longest time until a new event shows.
const LOOK: Duration = Duration::from_millis(300);

pub(super) async fn run(root: &Root, follow: bool, as_json: bool) -> Result<(), Fault> {
    let path = root.path(EVENTS);
    let mut last = 0;
    loop {
        for event in ledger::read_only(Path::new(&path))? {
            if event.seq <= last {
                continue;
            }
            last = event.seq;
            if as_json {
                output::json(&event, false)?;
            } else {
                output::line(&describe(&event))?;
            }
        }
        if !follow {
            return Ok(());
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// An event in one line, or a few where there is a log or a remedy.
pub(super) fn describe(event: &AgentEvent) -> String {
    let what = match &event.kind {
        AgentEventKind::Started { version, .. } => format!("agent {version} started"),
        AgentEventKind::SubStep(part) => format!("{}: {}", part.name, describe_state(&part.state)),
        AgentEventKind::Preflight(report) => {
            let count = |test: fn(&Verdict) -> bool| {
                report.checks.iter().filter(|check| test(&check.verdict)).count()
            };
            format!(
                "preflight: {} checks, {} failed, {} warnings, {} mended",
                report.checks.len(),
                count(|verdict| matches!(verdict, Verdict::Failed { .. })),
                count(|verdict| matches!(verdict, Verdict::Warning { .. })),
                count(|verdict| matches!(verdict, Verdict::Healed { .. })),
            )
        }
        AgentEventKind::Converged { digest, changed } => {
            format!("converged to {}: {changed} parts changed", short(digest))
        }
        AgentEventKind::Failed { task, cause, remedy } => {
            format!("{} failed: {cause}\n    hint: {remedy}", short(task))
        }
        AgentEventKind::HostKeys { public } => format!("new host keys: {}", public.join(", ")),
        AgentEventKind::HostKeysInUse => "the host's own key is in use".to_owned(),
        AgentEventKind::RegistryServes { changed, .. } => {
            format!("the registry serves, {changed} parts changed")
        }
        AgentEventKind::K3sRuns { changed, .. } => format!("k3s runs, {changed} parts changed"),
        AgentEventKind::KitProven { changed, .. } => {
            format!("every part of the kit is proven, {changed} parts changed")
        }
        AgentEventKind::TokenRotated => "nodes join by another secret".to_owned(),
        AgentEventKind::HandedOff { .. } => "the Sovereign goes on by itself".to_owned(),
        AgentEventKind::Released => "the host is the operator's alone".to_owned(),
        AgentEventKind::Leaving => "leaving".to_owned(),
    };
    format!("{:>5}  {:.0}  {what}", event.seq, event.at)
}

fn describe_state(state: &SubStepState) -> String {
    match state {
        SubStepState::Begun => "begun".to_owned(),
        SubStepState::Done { changed, detail } => {
            let word = if *changed { "changed" } else { "as it should be" };
            format!("{word} ({detail})")
        }
        SubStepState::Failed { cause, remedy, log } => {
            let log = lines(log.iter().map(|line| format!("    | {line}")));
            format!("failed: {cause}\n{log}    hint: {remedy}")
        }
    }
}

/// A digest by its first characters, anything else as it is.
fn short(text: &str) -> &str {
    if text.len() == 64 { &text[..12] } else { text }
}
