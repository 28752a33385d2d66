//! `status`: who this host is, what it is to be and how far it is.

use std::path::Path;

use serde::Serialize;
use sovereign_core::agent::{AgentEvent, AgentEventKind, SubStepState};
use sovereign_core::host::HostConfig;
use sovereign_core::registry::NodeRegistry;

use super::logs::describe;
use super::output;
use crate::config::{AgentConfig, Transport};
use crate::fault::Fault;
use crate::host::Host;
use crate::install::UNIT_NAME;
use crate::ledger;
use crate::registry::UNIT;
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
    registry: Option<Registry>,
    last_seq: u64,
    /// The last thing that went wrong, if nothing has gone right since.
    trouble: Option<AgentEvent>,
}

/// The node's registry, once an installer has said what it is to serve.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Registry {
    address: String,
    /// As systemd says.
    service: String,
    desired: String,
    applied: Option<String>,
}

pub(super) async fn run(host: &Host, as_json: bool) -> Result<(), Fault> {
    let config = AgentConfig::load(&host.root)?;
    let events = ledger::read_only(Path::new(&host.root.path(EVENTS)))?;
    let (service, doing) = service(host, UNIT_NAME).await;
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
        registry: registry(host).await?,
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
    lines.extend(status.registry.iter().map(serving));
    lines.extend(
        status
            .trouble
            .iter()
            .map(|event| format!("trouble  {}", describe(event))),
    );
    lines
}

fn serving(registry: &Registry) -> String {
    let served = registry.applied.as_ref() == Some(&registry.desired);
    let standing = if served {
        "serves what it is to serve"
    } else {
        "does not serve yet what it is to serve"
    };
    format!(
        "registry {standing} at {}, {}",
        registry.address, registry.service
    )
}

async fn registry(host: &Host) -> Result<Option<Registry>, Fault> {
    let Some(desired) = state::REGISTRY.desired::<NodeRegistry>(&host.root)? else {
        return Ok(None);
    };
    Ok(Some(Registry {
        address: desired.address.to_string(),
        service: service(host, UNIT).await.0,
        desired: desired.digest(),
        applied: state::REGISTRY.applied(&host.root)?,
    }))
}

fn trouble(events: &[AgentEvent]) -> Option<AgentEvent> {
    let good = |event: &&AgentEvent| {
        matches!(
            event.kind,
            AgentEventKind::Converged { .. }
                | AgentEventKind::RegistryServes { .. }
                | AgentEventKind::K3sRuns { .. }
        )
    };
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

async fn service(host: &Host, unit: &str) -> (String, String) {
    let names = "ActiveState,StatusText";
    let shown = Properties::of(host, unit, names, "").await.unwrap_or_default();
    let value = |name| match shown.value(name) {
        "" => "unknown".to_owned(),
        value => value.to_owned(),
    };
    (value("ActiveState"), value("StatusText"))
}
