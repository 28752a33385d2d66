//! k3s' configuration. The keys are those of `k3s server` and `k3s agent`, see <https://docs.k3s.io/installation/configuration>.
//!
//! Everything that the kit brings itself is switched off: the CNI, network policies, the proxy, the ingress and the load balancer.

use serde::Serialize;
use sovereign_core::k3s::{K3sNode, K3sRole};

use super::{CONFIG_DIR, TOKEN, registries};
use crate::fault::Fault;
use crate::host::Host;
use crate::part::{Done, Outcome};

pub(super) const NAME: &str = "k3s configuration";

/// Port of the API server and of the supervisor that others join by.
const PORT: u16 = 6443;
/// What k3s would run and the kit runs instead.
const DISABLED: [&str; 2] = ["traefik", "servicelb"];
/// Four snapshots a day, kept for three days.
const SNAPSHOTS: (&str, u32) = ("0 */6 * * *", 12);

/// Keys that servers and agents have in common.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Common {
    node_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_external_ip: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    node_label: Vec<String>,
    token_file: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<String>,
}

/// Keys of servers.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the keys are k3s' own")]
#[serde(rename_all = "kebab-case")]
struct Server {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cluster_init: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tls_san: Vec<String>,
    cluster_cidr: String,
    service_cidr: String,
    flannel_backend: &'static str,
    disable_kube_proxy: bool,
    disable_network_policy: bool,
    disable: [&'static str; 2],
    secrets_encryption: bool,
    write_kubeconfig_mode: &'static str,
    etcd_snapshot_schedule_cron: &'static str,
    etcd_snapshot_retention: u32,
}

pub(super) async fn converge(host: &Host, node: &K3sNode) -> Outcome {
    let mut changed = host.place(NAME, &format!("{CONFIG_DIR}/config.yaml"), &yaml(node)?, 0o600)?;
    changed |= host.place(NAME, registries::FILE, &registries::yaml(node)?, 0o600)?;
    changed |= host.place(NAME, TOKEN, &format!("{}\n", node.token.expose()), 0o600)?;
    Ok(Done::new(changed, words(&node.role)))
}

pub(super) async fn undo(host: &Host) -> Result<(), Fault> {
    host.unplace_others(NAME, |_| false).map(drop)
}

/// The text of `config.yaml`. Nothing in it is a secret.
pub(super) fn yaml(node: &K3sNode) -> Result<String, Fault> {
    let common = serde_saphyr::to_string(&common(node)).map_err(|error| unwritable(&error))?;
    if !node.role.is_server() {
        return Ok(common);
    }
    let server = serde_saphyr::to_string(&server(node)).map_err(|error| unwritable(&error))?;
    Ok(common + &server)
}

fn common(node: &K3sNode) -> Common {
    Common {
        node_name: node.node_name.clone(),
        node_ip: node.node_ip.map(|ip| ip.to_string()),
        node_external_ip: node.external_ip.map(|ip| ip.to_string()),
        node_label: node
            .labels
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect(),
        token_file: TOKEN,
        server: node.role.join().map(url),
    }
}

fn server(node: &K3sNode) -> Server {
    Server {
        cluster_init: node.role == K3sRole::Init,
        tls_san: node.tls_sans.clone(),
        cluster_cidr: node.pods.to_string(),
        service_cidr: node.services.to_string(),
        flannel_backend: "none",
        disable_kube_proxy: true,
        disable_network_policy: true,
        disable: DISABLED,
        secrets_encryption: true,
        write_kubeconfig_mode: "0600",
        etcd_snapshot_schedule_cron: SNAPSHOTS.0,
        etcd_snapshot_retention: SNAPSHOTS.1,
    }
}

fn url(server: &str) -> String {
    if server.contains(':') {
        format!("https://[{server}]:{PORT}")
    } else {
        format!("https://{server}:{PORT}")
    }
}

fn words(role: &K3sRole) -> String {
    match role {
        K3sRole::Init => "makes the cluster".to_owned(),
        K3sRole::Server { join } => format!("a server, joins by {join}"),
        K3sRole::Agent { join } => format!("an agent, joins by {join}"),
    }
}

pub(super) fn unwritable(error: &dyn std::fmt::Display) -> Fault {
    Fault::new(
        format!("k3s' configuration cannot be written: {error}"),
        "please report this with the plan",
    )
}
