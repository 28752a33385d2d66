//! The agent's own configuration: who this host is and how the installer and it meet.

use serde::{Deserialize, Serialize};
use url::Url;

use crate::fault::Fault;
use crate::root::Root;
use crate::state;

/// Where the configuration is.
pub const CONFIG: &str = "/etc/sovereign-agent/config.json";

/// The agent's own configuration. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentConfig {
    /// Name of the server in the plan.
    pub node: String,
    /// How the installer and the agent meet.
    pub transport: Transport,
}

/// How the installer and the agent meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Transport {
    /// The agent dials out, with mutual TLS.
    Https {
        /// The installer's base address.
        url: Url,
        /// File with the Sovereign's CA certificate, PEM.
        ca: String,
        /// File with the single-use ticket; gone once it is used.
        ticket_file: String,
    },
    /// The installer comes in over SSH and runs `sovereign-agent link`.
    Ssh,
}

impl AgentConfig {
    /// Reads it.
    pub fn load(root: &Root) -> Result<Self, Fault> {
        state::read_json(root, CONFIG)?.ok_or_else(|| {
            Fault::new(
                format!("the agent is not installed: there is no `{CONFIG}`"),
                "run `sovereign-agent install --help`",
            )
        })
    }

    /// Writes it; whether it is another one than before.
    pub fn save(&self, root: &Root) -> Result<bool, Fault> {
        if state::read_json(root, CONFIG).ok().flatten().as_ref() == Some(self) {
            return Ok(false);
        }
        state::write_json(root, CONFIG, self)?;
        Ok(true)
    }
}
