//! What the registry shows its clients, and where it finds it.

use sovereign_core::registry::NodeRegistry;

use super::CA;
use super::serve::Serving;
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "registry certificate";

/// What the registry is told.
pub(super) const CONFIG: &str = "/etc/sovereign-agent/registry/config.json";
/// Its certificate and its key. In one file, so that they always fit each other.
pub(super) const SERVER: &str = "/etc/sovereign-agent/registry/server.pem";

pub(super) async fn converge(host: &Host, registry: &NodeRegistry) -> Outcome {
    let mut changed = host.place(NAME, CA, &registry.ca_pem, 0o644)?;
    changed |= host.place(NAME, SERVER, &server(registry), 0o600)?;
    changed |= host.place(NAME, CONFIG, &Serving::of(host, registry).text()?, 0o644)?;
    Ok(Done::new(changed, registry.names.join(", ")))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace_others(NAME, |_| false).map(drop)
}

/// Certificate and key in one.
pub(super) fn server(registry: &NodeRegistry) -> String {
    format!(
        "{}\n{}\n",
        registry.certificate_pem.trim_end(),
        registry.key.expose().trim_end()
    )
}
