//! k3s runs, with the files that are there now.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sovereign_core::k3s::K3sNode;
use tokio::time::{Instant, sleep};

use super::{config, traces, unit, unit_name};
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::systemd::{self, Properties};

pub(super) const NAME: &str = "k3s runs";

/// Digest of what the running k3s was started with.
const STARTED_WITH: &str = "/var/lib/sovereign-agent/k3s-started-with";
/// Time k3s gets to say that it is up, before the operator is told what it says instead. It goes on trying.
const PATIENCE: Duration = Duration::from_mins(3);
/// Time after which the first lines of a k3s that dies again and again are told.
const LOOK: Duration = Duration::from_secs(1);
/// Deaths of the unit before it is called a failure.
const DEATHS: u32 = 2;
const REMEDY: &str = "the log lines say why; the agent tries again by itself, and so does k3s";

pub(super) async fn converge(host: &Host, node: &K3sNode) -> Outcome {
    let name = unit_name(node);
    let with = started_with(node)?;
    let before = host.root.read(STARTED_WITH).or_fault("reading", STARTED_WITH)?;
    let fresh = before.as_deref() == Some(&with);
    let standing = Standing::of(host, name).await?;
    if fresh && standing.active == "active" {
        return Ok(Done::new(false, "up"));
    }
    if !fresh || !systemd::is_up(&standing.active) {
        let verb = if fresh { "start" } else { "restart" };
        // The note comes first: k3s may be killed with us, and starting it once more costs nothing.
        disk::write(&host.root.path(STARTED_WITH), with.as_bytes(), 0o600)
            .or_fault("writing", STARTED_WITH)?;
        host.must("systemctl", &[verb, "--no-block", name], REMEDY)
            .await?;
    }
    wait(host, name, standing.restarts).await?;
    Ok(Done::new(true, "up"))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    for name in [unit::SERVER, unit::AGENT] {
        // A k3s of somebody else has the same name, and is none of our business.
        if unit::is_ours(host, name) {
            host.must("systemctl", &["stop", name], REMEDY).await?;
            // `KillMode=process` leaves the pods; a unit that has none left is what is wanted.
            host.run("systemctl", &["kill", "--kill-whom=all", "-s", "KILL", name])
                .await?;
        }
    }
    if host
        .root
        .read(STARTED_WITH)
        .or_fault("reading", STARTED_WITH)?
        .is_some()
    {
        traces::remove(host).await?;
        disk::remove(&host.root.path(STARTED_WITH)).or_fault("removing", STARTED_WITH)?;
    }
    Ok(())
}

/// What a running k3s has to be started with anew for. The token is read at the first start of a node and never again.
fn started_with(node: &K3sNode) -> Result<String, Fault> {
    let mut hasher = Sha256::new();
    for part in [&node.binary.sha256, &config::yaml(node)?, &unit::text(node)] {
        hasher.update(part.as_bytes());
    }
    Ok(hex::encode(hasher.finalize()))
}

async fn wait(host: &Host, name: &str, restarts: u32) -> Result<(), Fault> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let standing = Standing::of(host, name).await?;
        if standing.active == "active" {
            return Ok(());
        }
        if standing.restarts >= restarts.saturating_add(DEATHS) {
            let cause = format!("`{name}` died {DEATHS} times before it was up");
            return Err(failed(host, name, cause).await);
        }
        if Instant::now() >= deadline {
            let cause = format!(
                "`{name}` was not up after {} s: it is {}",
                PATIENCE.as_secs(),
                standing.active
            );
            return Err(failed(host, name, cause).await);
        }
        sleep(LOOK).await;
    }
}

/// A fault with what k3s itself wrote last.
async fn failed(host: &Host, name: &str, cause: String) -> Fault {
    let log = systemd::log(host, name).await;
    let said = log
        .iter()
        .rev()
        .find(|line| line.contains("level=fatal") || line.contains("level=error"));
    let cause = match said {
        Some(line) => format!("{cause}; it said `{line}`"),
        None => cause,
    };
    Fault::new(cause, REMEDY).with_log(log)
}

/// Where the unit stands.
struct Standing {
    active: String,
    restarts: u32,
}

impl Standing {
    async fn of(host: &Host, name: &str) -> Result<Self, Fault> {
        let shown = Properties::of(host, name, "ActiveState,NRestarts", REMEDY).await?;
        Ok(Self {
            active: shown.value("ActiveState").to_owned(),
            restarts: shown.value("NRestarts").parse().unwrap_or_default(),
        })
    }
}
