//! The registry serves what it should, to a client that trusts the Sovereign's CA and nothing else.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sovereign_core::registry::NodeRegistry;
use sovereign_images::Layout;
use sovereign_images::registry::{ProbeError, probe};
use tokio::time::{Instant, sleep};

use super::unit::{self, UNIT};
use super::{certificate, layout};
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::systemd;

pub(super) const NAME: &str = "registry runs";

/// Digest of what the running registry was started with.
const STARTED_WITH: &str = "/var/lib/sovereign-agent/registry-started-with";
/// Time the registry gets to serve before the operator is told what it says instead. It goes on trying.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(250);
const REMEDY: &str = "the log lines say why; the agent tries again by itself, and so does the registry";

pub(super) async fn converge(host: &Host, registry: &NodeRegistry) -> Outcome {
    let with = started_with(registry);
    let before = host.root.read(STARTED_WITH).or_fault("reading", STARTED_WITH)?;
    let runs = before.as_deref() == Some(&with) && look(host, registry).await.is_ok();
    if !runs {
        host.must("systemctl", &["restart", "--no-block", UNIT], REMEDY)
            .await?;
        // Noted once it is so: starting it once more costs nothing.
        disk::write(&host.root.path(STARTED_WITH), with.as_bytes(), 0o600)
            .or_fault("writing", STARTED_WITH)?;
        wait(host, registry).await?;
    }
    layout::remove_others(host, registry)?;
    Ok(Done::new(!runs, format!("serves at {}", registry.address)))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if unit::is_ours(host) {
        host.must("systemctl", &["stop", UNIT], REMEDY).await?;
    }
    disk::remove(&host.root.path(STARTED_WITH))
        .map(drop)
        .or_fault("removing", STARTED_WITH)
}

/// What a running registry has to be started with anew for.
fn started_with(registry: &NodeRegistry) -> String {
    let parts = [
        &registry.archive.sha256,
        &registry.address.to_string(),
        &certificate::server(registry),
        &unit::text(registry),
    ];
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
    }
    hex::encode(hasher.finalize())
}

/// One manifest is asked for as containerd would.
async fn look(host: &Host, registry: &NodeRegistry) -> Result<(), ProbeError> {
    let layout = Layout::open(host.root.path(&layout::path(registry)))?;
    probe(registry.address.into(), &registry.ca_pem, &layout).await
}

async fn wait(host: &Host, registry: &NodeRegistry) -> Result<(), Fault> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let Err(error) = look(host, registry).await else {
            return Ok(());
        };
        if Instant::now() >= deadline {
            return Err(failed(host, &error).await);
        }
        sleep(LOOK).await;
    }
}

/// A fault with what the registry itself wrote last.
async fn failed(host: &Host, error: &ProbeError) -> Fault {
    let log = systemd::log(host, UNIT).await;
    let said = log.iter().rev().find_map(|line| line.strip_prefix("error: "));
    let cause = match said {
        Some(line) => format!("the registry does not serve: {error}; it said `{line}`"),
        None => format!("the registry does not serve: {error}"),
    };
    Fault::new(cause, REMEDY).with_log(log)
}
