//! The registry as a service, in a sandbox of its own.

use sovereign_core::registry::NodeRegistry;

use super::certificate::{CONFIG, SERVER};
use crate::fault::Fault;
use crate::host::Host;
use crate::install::BINARY;
use crate::part::{Done, Outcome};
use crate::systemd::FOLDER;

pub(super) const NAME: &str = "registry unit";
/// Name of the unit.
pub(crate) const UNIT: &str = "sovereign-registry.service";

const REMEDY: &str = "see `systemctl status sovereign-registry` on the host; the agent tries again by itself";

/// The address comes and goes with the service, so it is there after a reboot and gone with us; it is the host's own, and leads
/// nowhere. `DynamicUser=yes`: who serves is nobody, cannot write anywhere, and gets certificate and key from systemd.
const TEMPLATE: &str = "\
[Unit]
Description=Registry of this node of the Sovereign
After=network.target
Before=k3s.service k3s-agent.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
LoadCredential=config.json:@config@
LoadCredential=server.pem:@server@
ExecStartPre=+ip address replace @ip@/32 dev lo scope host
ExecStart=@binary@ registry --config ${CREDENTIALS_DIRECTORY}/config.json
ExecStopPost=-+ip address del @ip@/32 dev lo
Restart=always
RestartSec=1
TimeoutStopSec=30

MemoryMax=64M
TasksMax=256
LimitNOFILE=4096

DynamicUser=yes
UMask=0077
CapabilityBoundingSet=
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_UNIX AF_INET
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
";

pub(super) async fn converge(host: &Host, registry: &NodeRegistry) -> Outcome {
    let written = host.place(NAME, &path(), &text(registry), 0o644)?;
    // A crash may have come between the file and this, and a needless reload is cheap.
    host.must("systemctl", &["daemon-reload"], REMEDY).await?;
    let state = host.run("systemctl", &["is-enabled", UNIT]).await?;
    let enabled = state.stdout.trim() == "enabled";
    if !enabled {
        host.must("systemctl", &["enable", UNIT], REMEDY).await?;
    }
    Ok(Done::new(written || !enabled, UNIT))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    if is_ours(host) {
        host.must("systemctl", &["disable", UNIT], REMEDY).await?;
        host.unplace(&path())?;
        host.must("systemctl", &["daemon-reload"], REMEDY).await?;
    }
    Ok(())
}

/// The unit file.
pub(super) fn text(registry: &NodeRegistry) -> String {
    TEMPLATE
        .replace("@binary@", BINARY)
        .replace("@config@", CONFIG)
        .replace("@server@", SERVER)
        .replace("@ip@", &registry.address.ip().to_string())
}

/// Whether the unit was put on the host by us.
pub(crate) fn is_ours(host: &Host) -> bool {
    host.placed().files.contains_key(&path())
}

fn path() -> String {
    format!("{FOLDER}/{UNIT}")
}
