//! What a host is to be: a plain document that the installer sends and the agent makes true, again and again.

use std::collections::BTreeMap;

use ipnet::{IpNet, Ipv4Net};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// What a host is to be. Plain data: it may stand in a plan, so nothing in it is a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostConfig {
    /// Host name, one label.
    pub hostname: String,
    /// What it does in the Sovereign.
    pub role: HostRole,
    /// Kernel modules to load, now and at boot.
    pub modules: Vec<String>,
    /// Kernel parameters.
    pub sysctl: BTreeMap<String, String>,
    /// Who may log in over SSH: public keys in OpenSSH form, for root.
    pub authorized_keys: Vec<String>,
    /// Filter on the host; `None` leaves it open, for the cloud's firewall alone.
    pub firewall: Option<HostFirewall>,
    /// NTP servers; empty keeps the system's own.
    pub time_servers: Vec<String>,
    /// Security updates that install themselves; `None` switches them off.
    pub upgrades: Option<Upgrades>,
    /// Ban addresses that fail to log in.
    pub fail2ban: bool,
    /// Files, by absolute path.
    pub files: BTreeMap<String, HostFile>,
    /// systemd units, by name with its suffix.
    pub units: BTreeMap<String, HostUnit>,
}

/// What a host does in the Sovereign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostRole {
    /// The control plane server that makes the cluster. One in a Sovereign.
    FirstControlPlane,
    /// A control plane server that joins.
    ControlPlane,
    /// A worker.
    Worker,
}

/// Inbound rules of a host. Loopback, answers, ICMP and the pods' own traffic pass; everything else is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostFirewall {
    /// Ranges whose hosts may reach every port: the nodes and pods of the Sovereign.
    pub trusted: Vec<Ipv4Net>,
    /// Ranges that may reach 22 and 6443.
    pub admin: Vec<IpNet>,
    /// TCP ports open to everyone.
    pub open_tcp: Vec<u16>,
}

/// A daily window, in UTC, in which updates are installed and the host may reboot for them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upgrades {
    /// Hour of the day the window opens, 0 to 23. Hosts of a group have different ones, so that they do not reboot at once.
    pub hour: u8,
    /// Minute of the hour.
    pub minute: u8,
    /// Reboot inside the window when an update asks for it.
    pub reboot: bool,
}

/// A file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostFile {
    /// Permission bits, for example `0o644`; owner and group are root.
    pub mode: u32,
    /// What it holds, UTF-8.
    pub content: String,
}

/// A systemd unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HostUnit {
    /// The unit file.
    pub content: String,
    /// Enabled at boot and running now; otherwise disabled and stopped.
    pub enabled: bool,
}

impl HostConfig {
    /// SHA-256 of the document's JSON, 64 hex digits. Maps are ordered, so equal documents have equal digests.
    pub fn digest(&self) -> String {
        // Every field is a string, number, map or list: it can always be written.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}
