//! The agent's unit: what it may do, and why no less.

/// The unit file, for an agent at `binary`.
pub(super) fn text(binary: &str) -> String {
    TEMPLATE.replace("@binary@", binary)
}

/// What is left open, and why:
/// - the file system is read-only but for `/etc`, `/var`, `/opt` and `/usr/local`, where files of a configuration go,
///   `/run`, where sshd wants a folder, and `/root/.ssh` for the keys that may log in;
/// - `CAP_NET_ADMIN`: nft and routes; `CAP_SYS_ADMIN`: host name; `CAP_SYS_MODULE`: modules; the file
///   capabilities: files of other owners, such as `sshd -t` and the home of a service's user;
/// - kernel parameters, modules and the host name are what it is here to set, so `ProtectKernelTunables`,
///   `ProtectKernelModules` and `ProtectHostname` stay off; the network is the host's, so `PrivateNetwork` does;
/// - no `StateDirectory`: in a sandbox that is a mount, and a mount cannot be removed when the agent leaves;
/// - `ProtectControlGroups` stays off, since where the host is a container it would bring back the picture of `/proc` of the
///   machine around it, boot id and kernel parameters included;
/// - units of a configuration are started by systemd, not by the agent, so they are not in this sandbox.
const TEMPLATE: &str = "\
[Unit]
Description=Agent of the Sovereign
After=network.target cloud-init.service
StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=main
ExecStart=@binary@ run
Restart=always
RestartSec=1
WatchdogSec=30
TimeoutStopSec=10
OOMScoreAdjust=-900
RuntimeDirectory=sovereign-agent
RuntimeDirectoryMode=0700
UMask=0077

CapabilityBoundingSet=CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_MODULE CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_DAC_READ_SEARCH
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/etc /var /opt /usr/local /run
ProtectHome=tmpfs
BindPaths=-/root/.ssh
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectKernelLogs=yes
ProtectProc=default
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service @module sethostname
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
";
