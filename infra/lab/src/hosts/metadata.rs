//! The metadata service at 169.254.169.254, as the cloud has it, and the same data under `/nocloud` for hosts whose
//! cloud-init does not look for this cloud. Who asks is told by the address the question comes from.
//!
//! The listener's socket is inside the router's namespace; this process answers.

use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::network::METADATA;
use super::{HostError, Slot, namespace};
use crate::shared::Shared;

/// Most bytes that user data unpacks to.
const MOST: u64 = 4 << 20;

/// What metadata tells of a server.
#[derive(Debug)]
struct Asker {
    server: Value,
    networks: Vec<Value>,
    keys: Vec<String>,
}

/// Answers until told to stop.
pub(crate) async fn serve(
    shared: Arc<Shared>,
    slot: &Slot,
    stop: CancellationToken,
) -> Result<(), HostError> {
    let listener = namespace::listen(&slot.router(), (METADATA, 80).into()).await?;
    let router = Router::new()
        .route("/hetzner/v1/metadata", routing::get(document))
        .route("/hetzner/v1/metadata/{*key}", routing::get(value))
        .route("/hetzner/v1/userdata", routing::get(user_data))
        .route("/nocloud/meta-data", routing::get(no_cloud_meta))
        .route("/nocloud/user-data", routing::get(no_cloud_user))
        .route("/nocloud/vendor-data", routing::get(no_cloud_vendor))
        .with_state(shared)
        .into_make_service_with_connect_info::<SocketAddr>();
    tokio::spawn(async move {
        let serving = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::warn!(%error, "the metadata service ended");
        }
    });
    Ok(())
}

fn asker(shared: &Shared, from: IpAddr) -> Option<Asker> {
    let world = shared.lock();
    let from = from.to_string();
    world.projects.values().find_map(|project| {
        let server = project
            .all("servers")
            .find(|server| server["public_net"]["ipv4"]["ip"] == from.as_str())?;
        let machine = server["id"].as_u64().and_then(|id| project.machines.get(&id))?;
        Some(Asker {
            server: server.clone(),
            networks: project.all("networks").cloned().collect(),
            keys: machine.keys.clone(),
        })
    })
}

impl Asker {
    fn id(&self) -> u64 {
        self.server["id"].as_u64().unwrap_or_default()
    }

    /// JSON, which every reader of YAML reads, and which quotes hardware addresses made of digits.
    fn document(&self) -> Value {
        let server = &self.server;
        let location = server["location"]["name"].as_str().unwrap_or_default();
        let ipv4 = server["public_net"]["ipv4"]["ip"].as_str().unwrap_or_default();
        json!({
            "availability-zone": format!("{location}-dc14"),
            "hostname": server["name"],
            "instance-id": server["id"],
            "local-ipv4": "",
            "network-config": self.network_config(),
            "private-networks": self.private_networks(),
            "public-ipv4": ipv4,
            "public-keys": self.keys,
            "region": server["location"]["network_zone"],
            "vendor_data": "",
        })
    }

    fn network_config(&self) -> Value {
        let mut subnets = vec![json!({"ipv4": true, "type": "dhcp"})];
        let ipv6 = self.server["public_net"]["ipv6"]["ip"].as_str();
        if let Some(network) = ipv6.and_then(|ip| ip.strip_suffix("::/64")) {
            subnets.push(json!({
                "address": format!("{network}::1/64"), "gateway": "fe80::1", "ipv6": true, "type": "static",
            }));
        }
        let [.., a, b, c] = self.id().to_be_bytes();
        let mac = format!("96:00:00:{a:02x}:{b:02x}:{c:02x}");
        let nic = json!({"mac_address": mac, "name": "eth0", "subnets": subnets, "type": "physical"});
        json!({"config": [nic], "version": 1})
    }

    fn private_networks(&self) -> Value {
        let nics = self.server["private_net"].as_array().into_iter().flatten();
        let one = |nic: &Value| {
            let network = self.networks.iter().find(|net| net["id"] == nic["network"])?;
            let range: ipnet::Ipv4Net = network["ip_range"].as_str()?.parse().ok()?;
            let gateway = range.hosts().next()?;
            let subnets = network["subnets"].as_array().into_iter().flatten();
            let subnets = subnets.map(|subnet| json!({"gateway": gateway, "ip_range": subnet["ip_range"]}));
            Some(json!({
                "alias_ips": [], "interface_num": 1, "ip": nic["ip"], "mac_address": nic["mac_address"],
                "network": range, "network_id": network["id"], "network_name": network["name"],
                "subnets": subnets.collect::<Vec<_>>(),
            }))
        };
        nics.filter_map(one).collect()
    }
}

/// The server that asks, or the answer for whoever is none.
fn known(shared: &Shared, from: SocketAddr) -> Result<Asker, StatusCode> {
    asker(shared, from.ip()).ok_or(StatusCode::NOT_FOUND)
}

async fn document(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
) -> Result<String, StatusCode> {
    Ok(known(&shared, from)?.document().to_string())
}

/// One value of the document; texts and numbers come bare.
async fn value(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    Path(key): Path<String>,
) -> Result<String, StatusCode> {
    let document = known(&shared, from)?.document();
    match document.get(key.trim_end_matches('/')) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value) => Ok(value.to_string()),
        None => Err(StatusCode::NOT_FOUND),
    }
}

async fn user_data(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
) -> Result<Response, StatusCode> {
    let asker = known(&shared, from)?;
    let data = asker.server["user_data"].as_str().unwrap_or_default();
    fetched(&shared, asker.id());
    if data.is_empty() {
        return Err(StatusCode::NO_CONTENT);
    }
    Ok(data.to_owned().into_response())
}

async fn no_cloud_meta(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
) -> Result<String, StatusCode> {
    let asker = known(&shared, from)?;
    let meta = json!({
        "instance-id": asker.id().to_string(), "local-hostname": asker.server["name"], "public-keys": asker.keys,
    });
    Ok(meta.to_string())
}

/// What the cloud's own source makes of user data before cloud-init sees it; this source does not.
async fn no_cloud_user(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
) -> Result<Vec<u8>, StatusCode> {
    let asker = known(&shared, from)?;
    Ok(unwrapped(asker.server["user_data"].as_str().unwrap_or_default()))
}

/// Nothing, which this source asks for last.
async fn no_cloud_vendor(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
) -> Result<&'static str, StatusCode> {
    let asker = known(&shared, from)?;
    fetched(&shared, asker.id());
    Ok("")
}

/// Base64 and gzip undone where they were done.
fn unwrapped(data: &str) -> Vec<u8> {
    let bytes = STANDARD.decode(data).unwrap_or_else(|_| data.as_bytes().to_vec());
    let mut plain = Vec::new();
    let unpacked = MultiGzDecoder::new(bytes.as_slice())
        .take(MOST)
        .read_to_end(&mut plain);
    if unpacked.is_ok() { plain } else { bytes }
}

/// The host has everything that its cloud-init asks for.
fn fetched(shared: &Shared, id: u64) {
    let mut world = shared.lock();
    let machines = world
        .projects
        .values_mut()
        .filter_map(|project| project.machines.get_mut(&id));
    for machine in machines {
        machine.fetched = Some(machine.disk);
    }
    drop(world);
    shared.announce();
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn user_data_is_unwrapped_as_far_as_it_is_wrapped() {
        let text = "#cloud-config\nruncmd: []\n";
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(text.as_bytes()).expect("packs");
        let packed = packed.finish().expect("packs");
        assert_eq!(unwrapped(text), text.as_bytes());
        assert_eq!(unwrapped(&STANDARD.encode(text)), text.as_bytes());
        assert_eq!(unwrapped(&STANDARD.encode(packed)), text.as_bytes());
        assert_eq!(unwrapped(""), b"");
    }
}
