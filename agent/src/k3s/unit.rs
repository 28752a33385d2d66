//! k3s as a service. The unit is k3s' own, but for the modules and the sandbox, which are the host's business.

use sovereign_core::k3s::K3sNode;

use super::{BINARY, unit_name};
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};
use crate::systemd::FOLDER;

pub(super) const NAME: &str = "k3s unit";
/// Unit of a server.
pub(super) const SERVER: &str = "k3s.service";
/// Unit of an agent.
pub(super) const AGENT: &str = "k3s-agent.service";

const REMEDY: &str = "see `systemctl status` on the host; the agent tries again by itself";

/// `KillMode=process`: pods outlive a restart of k3s. `Type=notify`: it is up when it says so, and that may take as long as it takes;
/// who waits is the part behind this one, and it tells what it sees.
const TEMPLATE: &str = "\
[Unit]
Description=Lightweight Kubernetes
Documentation=https://k3s.io
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
ExecStart=@binary@ @command@
KillMode=process
Delegate=yes
User=root
LimitNOFILE=1048576
LimitNPROC=infinity
LimitCORE=infinity
TasksMax=infinity
TimeoutStartSec=0
Restart=always
RestartSec=5s

[Install]
WantedBy=multi-user.target
";

pub(super) async fn converge(host: &Host, node: &K3sNode) -> Outcome {
    let name = unit_name(node);
    let written = host.place(NAME, &path(name), &text(node), 0o644)?;
    host.must("systemctl", &["daemon-reload"], REMEDY).await?;
    Ok(Done::new(written, name))
}

/// Lets it start with the host from now on; whether it did not before.
pub(super) async fn enable(host: &Host, name: &str) -> Result<bool, Fault> {
    let state = host.run("systemctl", &["is-enabled", name]).await?;
    let enabled = state.stdout.trim() == "enabled";
    if !enabled {
        host.must("systemctl", &["enable", name], REMEDY).await?;
    }
    Ok(!enabled)
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    for name in [SERVER, AGENT] {
        if is_ours(host, name) {
            host.must("systemctl", &["disable", name], REMEDY).await?;
            host.unplace(&path(name))?;
        }
    }
    host.must("systemctl", &["daemon-reload"], REMEDY).await.map(drop)
}

/// The unit file.
pub(super) fn text(node: &K3sNode) -> String {
    let command = if node.role.is_server() { "server" } else { "agent" };
    TEMPLATE.replace("@binary@", BINARY).replace("@command@", command)
}

/// Whether a unit of that name was put on the host by us.
pub(super) fn is_ours(host: &Host, name: &str) -> bool {
    host.placed().files.contains_key(&path(name))
}

fn path(name: &str) -> String {
    format!("{FOLDER}/{name}")
}
