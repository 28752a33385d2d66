//! `status`: who this host is, what it is to be and how far it is.

use std::path::Path;

use serde::Serialize;
use sovereign_core::agent::{AgentEvent, AgentEventKind, SubStepState};
use sovereign_core::host::HostConfig;

use super::logs::describe;
use super::output;
use crate::config::{AgentConfig, Transport};
use crate::fault::Fault;
use crate::host::Host;
use crate::install::UNIT_NAME;
use crate::ledger;
use crate::state::{self, EVENTS};
use crate::systemd::Properties;

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    version: &'static str,
    node: String,
    transport: Transport,
    /// As systemd says: `active`, `activating`, `failed`.
    service: String,
    doing: String,
    desired: Option<String>,
    applied: Option<String>,
    last_seq: u64,
    /// The last thing that went wrong, if nothing has gone right since.
    trouble: Option<AgentEvent>,
}

pub(super) async fn run(host: &Host, as_json: bool) -> Result<(), Fault> {
    let config = AgentConfig::load(&host.root)?;
    let events = ledger::read_only(Path::new(&host.root.path(EVENTS)))?;
    let (service, doing) = service(host).await;
    let status = Status {
        version: env!("CARGO_PKG_VERSION"),
        node: config.node,
        transport: config.transport,
        service,
        doing,
        desired: state::HOST
            .desired(&host.root)?
            .map(|config: HostConfig| config.digest()),
        applied: state::HOST.applied(&host.root)?,
        last_seq: events.last().map_or(0, |event| event.seq),
        trouble: trouble(&events),
    };
    if as_json {
        return output::json(&status, true);
    }
    for line in lines(&status) {
        output::line(&line)?;
    }
    Ok(())
}

fn lines(status: &Status) -> Vec<String> {
    let reached = match &status.transport {
        Transport::Https { url, .. } => format!("calls {url}"),
        Transport::Ssh => "is reached over SSH".to_owned(),
    };
    let standing = match (&status.desired, &status.applied) {
        (None, _) => "no installer has said yet what this host is to be".to_owned(),
        (Some(desired), Some(applied)) if desired == applied => "is what it is to be".to_owned(),
        (Some(_), _) => "is not yet what it is to be".to_owned(),
    };
    let mut lines = vec![
        format!("node     {} ({reached})", status.node),
        format!("service  {}, {}", status.service, status.doing),
        format!("host     {standing}"),
        format!("events   {}", status.last_seq),
    ];
    lines.extend(
        status
            .trouble
            .iter()
            .map(|event| format!("trouble  {}", describe(event))),
    );
    lines
}

fn trouble(events: &[AgentEvent]) -> Option<AgentEvent> {
    let good = |event: &&AgentEvent| matches!(event.kind, AgentEventKind::Converged { .. });
    let since = events.iter().rev().find(good).map_or(0, |event| event.seq);
    let recent = || events.iter().rev().take_while(move |event| event.seq > since);
    // A part that failed says more than the task it belongs to.
    recent()
        .find(|event| failed_part(event))
        .or_else(|| recent().find(|event| matches!(event.kind, AgentEventKind::Failed { .. })))
        .cloned()
}

fn failed_part(event: &AgentEvent) -> bool {
    matches!(&event.kind, AgentEventKind::SubStep(part) if matches!(part.state, SubStepState::Failed { .. }))
}

async fn service(host: &Host) -> (String, String) {
    let names = "ActiveState,StatusText";
    let shown = Properties::of(host, UNIT_NAME, names, "")
        .await
        .unwrap_or_default();
    let value = |name| match shown.value(name) {
        "" => "unknown".to_owned(),
        value => value.to_owned(),
    };
    (value("ActiveState"), value("StatusText"))
}
