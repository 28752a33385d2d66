//! Where containerd fetches from, see <https://docs.k3s.io/installation/private-registry>: the node's own registry, by the
//! Sovereign's CA.

use std::collections::BTreeMap;

use serde::Serialize;
use sovereign_core::k3s::K3sNode;

use super::config::unwritable;
use crate::fault::Fault;
use crate::registry::CA;

/// k3s reads it once, at its start.
pub(super) const FILE: &str = "/etc/rancher/k3s/registries.yaml";

#[derive(Debug, Serialize)]
struct Registries {
    mirrors: BTreeMap<String, Mirror>,
    configs: BTreeMap<String, Config>,
}

#[derive(Debug, Serialize)]
struct Mirror {
    endpoint: [String; 1],
}

#[derive(Debug, Serialize)]
struct Config {
    tls: Tls,
}

#[derive(Debug, Serialize)]
struct Tls {
    ca_file: &'static str,
}

/// The text of `registries.yaml`.
pub(super) fn yaml(node: &K3sNode) -> Result<String, Fault> {
    let name = node.registry.to_string();
    let mirror = Mirror {
        endpoint: [format!("https://{name}")],
    };
    let config = Config {
        tls: Tls { ca_file: CA },
    };
    let registries = Registries {
        mirrors: BTreeMap::from([(name.clone(), mirror)]),
        configs: BTreeMap::from([(name, config)]),
    };
    serde_saphyr::to_string(&registries).map_err(|error| unwritable(&error))
}
