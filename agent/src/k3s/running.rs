//! k3s runs, with the files that are there now.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sovereign_core::k3s::{K3sNode, K3sRole};
use tokio::time::{Instant, sleep};

use super::{config, registries, traces, unit, unit_name};
use crate::disk;
use crate::fault::{Fault, OrFault as _};
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::systemd::{self, Properties};
use crate::validity;

pub(super) const NAME: &str = "k3s runs";

/// Digest of what the running k3s was started with.
pub(crate) const STARTED_WITH: &str = "/var/lib/sovereign-agent/k3s-started-with";
/// There once k3s was up on this host.
const WAS_UP: &str = "/var/lib/sovereign-agent/k3s-was-up";
/// What a server keeps of the cluster.
pub(super) const ETCD: &str = "/var/lib/rancher/k3s/server/db/etcd";
/// Time k3s gets to say that it is up, before the operator is told what it says instead. It goes on trying.
const PATIENCE: Duration = Duration::from_mins(3);
/// Time after which the first lines of a k3s that dies again and again are told.
const LOOK: Duration = Duration::from_secs(1);
/// Deaths of the unit before it is called a failure.
const DEATHS: u32 = 2;
const REMEDY: &str = "the log lines say why; the agent tries again by itself, and so does k3s";
/// What k3s says when the secret that it joins by is not the cluster's any more.
/// (github.com/k3s-io/k3s, `pkg/clientaccess/token.go`, `pkg/cluster/storage.go`)
const REFUSED: [&str; 3] = ["401 Unauthorized", "token CA hash does not match", OTHER_SECRET];
/// What a server says when what servers share is opened by another secret than its own.
const OTHER_SECRET: &str = "encrypted with different token";
const REFUSED_REMEDY: &str = "the cluster does not take the secret that this host joins by, since somebody changed it or the cluster is another one: \
                              let it take the one in `/etc/rancher/k3s/token` of this host again with `k3s token rotate` on the first server, put it \
                              into the same file there, and `systemctl restart k3s`; the agent and k3s try again by themselves";

pub(super) async fn converge(host: &Host, node: &K3sNode) -> Outcome {
    let name = unit_name(node);
    let with = started_with(node)?;
    let before = host.root.read(STARTED_WITH).or_fault("reading", STARTED_WITH)?;
    let fresh = before.as_deref() == Some(&with);
    let standing = Standing::of(host, name).await?;
    if fresh && standing.is_up() {
        return Ok(Done::new(keep(host, name).await?, "up"));
    }
    if !systemd::is_up(&standing.active) {
        begin_anew(host, node)?;
    }
    if !fresh {
        // Whoever takes k3s away has to know that it was started. With what is noted once it was: starting it once more costs nothing,
        // and taking one that was started with other files for this one would.
        note(host, "")?;
        host.must("systemctl", &["restart", "--no-block", name], REMEDY)
            .await?;
        note(host, &with)?;
    } else if !systemd::is_up(&standing.active) {
        host.must("systemctl", &["start", "--no-block", name], REMEDY)
            .await?;
    }
    wait(host, name, standing.restarts).await?;
    keep(host, name).await?;
    Ok(Done::new(true, "up"))
}

/// The server that makes the cluster may lose its power before etcd has written who is in it, and then that waits for a leader for ever.
/// As long as it was never up nobody has joined it and nothing is lost: it makes the cluster once more.
pub(super) fn begin_anew(host: &Host, node: &K3sNode) -> Result<(), Fault> {
    if node.role != K3sRole::Init || host.root.exists(WAS_UP) {
        return Ok(());
    }
    disk::remove_folder(&host.root.path(ETCD)).or_fault("removing", ETCD)
}

/// From now on it starts with the host, and what it has is a cluster's. Before it was up it starts by the agent alone, which knows what
/// to do about one that was cut off. Whether that is new.
async fn keep(host: &Host, name: &str) -> Result<bool, Fault> {
    let is_new = !host.root.exists(WAS_UP);
    if is_new {
        disk::write(&host.root.path(WAS_UP), b"", 0o600).or_fault("writing", WAS_UP)?;
    }
    Ok(unit::enable(host, name).await? || is_new)
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
        for note in [WAS_UP, STARTED_WITH] {
            disk::remove(&host.root.path(note)).or_fault("removing", note)?;
        }
    }
    Ok(())
}

fn note(host: &Host, with: &str) -> Result<(), Fault> {
    disk::write(&host.root.path(STARTED_WITH), with.as_bytes(), 0o600).or_fault("writing", STARTED_WITH)
}

/// What a running k3s has to be started with anew for. A k3s that runs still takes the token it was started with.
fn started_with(node: &K3sNode) -> Result<String, Fault> {
    let mut hasher = Sha256::new();
    let parts = [
        &node.binary.sha256,
        &config::yaml(node)?,
        &registries::yaml(node)?,
        &unit::text(node),
        node.token.expose(),
    ];
    for part in parts {
        hasher.update(part.as_bytes());
    }
    Ok(hex::encode(hasher.finalize()))
}

/// Whether a server did not start because its secret does not open what servers share.
pub(crate) fn wants_another_secret(fault: &Fault) -> bool {
    fault.cause.contains(OTHER_SECRET)
}

async fn wait(host: &Host, name: &str, restarts: u32) -> Result<(), Fault> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let standing = Standing::of(host, name).await?;
        if standing.is_up() {
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
    let fault = match said {
        Some(line) => Fault::new(format!("{cause}; it said `{line}`"), remedy(line)),
        None => Fault::new(cause, REMEDY),
    };
    fault.with_log(log)
}

/// What to do about k3s' own words.
fn remedy(said: &str) -> &'static str {
    if REFUSED.iter().any(|known| said.contains(known)) {
        return REFUSED_REMEDY;
    }
    validity::remedy(said).unwrap_or(REMEDY)
}

/// Where the unit stands.
struct Standing {
    active: String,
    restarts: u32,
    /// systemd has something to do with it: the one that is up may be the one before.
    is_queued: bool,
}

impl Standing {
    fn is_up(&self) -> bool {
        self.active == "active" && !self.is_queued
    }

    async fn of(host: &Host, name: &str) -> Result<Self, Fault> {
        let shown = Properties::of(host, name, "ActiveState,NRestarts,Job", REMEDY).await?;
        Ok(Self {
            active: shown.value("ActiveState").to_owned(),
            restarts: shown.value("NRestarts").parse().unwrap_or_default(),
            // The number of a job; empty or 0 without one.
            is_queued: !matches!(shown.value("Job"), "" | "0"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_k3s_says_of_secrets_and_certificates_has_its_remedy() {
        let refused = "level=fatal msg=\"https://10.0.1.1:6443/v1-k3s/agent: 401 Unauthorized\"";
        assert!(remedy(refused).contains("k3s token rotate"));
        let clock = "level=fatal msg=\"tls: failed to verify certificate: x509: certificate has expired or is not yet valid: \
                     current time 2026-11-29T03:00:00Z is before 2026-11-30T02:00:00Z\"";
        assert!(remedy(clock).contains("timedatectl"));
        assert_eq!(remedy("level=fatal msg=\"no space left on device\""), REMEDY);
    }
}
