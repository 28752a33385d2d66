//! What a server is told at its first boot, without the secrets: they are made when it is.

use serde::{Deserialize, Serialize};
use sovereign_core::host::HostRole;
use sovereign_core::name::SovereignName;
use sovereign_engine::plan::StepRef;

use super::node_link::PrepareLink;
use crate::link::Transport;

/// What a server is told at its first boot, without the secrets: they are made when it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HostBoot {
    /// Whose it is.
    pub sovereign: SovereignName,
    /// What it does.
    pub role: HostRole,
    /// Display name of the organization.
    pub organization: String,
    /// Its fully qualified name, where the Sovereign has names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fqdn: Option<String>,
    /// Who may log in: public keys in OpenSSH form.
    pub authorized_keys: Vec<String>,
    /// Who calls whom.
    #[serde(flatten)]
    pub transport: Transport,
    /// SHA-256 of the agent it gets.
    pub agent: String,
    /// The keys of the node link.
    pub link: StepRef<PrepareLink>,
}
