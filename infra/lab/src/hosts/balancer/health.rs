//! What haproxy's health checks find, and how the API shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;

use super::config::target_name;

/// A port of the load balancer and a target behind it.
type Place = (u16, String);

/// The last that is known of each target.
#[derive(Debug, Default)]
pub(super) struct Health(BTreeMap<Place, &'static str>);

impl Health {
    /// Asks haproxy; true where anything has changed.
    pub(super) async fn look(&mut self, socket: &Path) -> io::Result<bool> {
        let mut stream = UnixStream::connect(socket).await?;
        stream.write_all(b"show stat\n").await?;
        let mut table = String::new();
        stream.read_to_string(&mut table).await?;
        Ok(self.learn(&table))
    }

    /// Takes in haproxy's table of statistics; true where anything has changed.
    pub(super) fn learn(&mut self, table: &str) -> bool {
        let mut lines = table.lines();
        let header = lines.next().unwrap_or_default().trim_start_matches("# ");
        let columns: Vec<&str> = header.split(',').collect();
        let column = |name: &str| columns.iter().position(|column| *column == name);
        let mut changed = false;
        let mut present = BTreeSet::new();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let cell = |name: &str| {
                column(name)
                    .and_then(|at| cells.get(at).copied())
                    .unwrap_or_default()
            };
            let port = cell("pxname").strip_prefix("service-");
            let target = cell("svname");
            let is_target = target.starts_with("server-") || target.starts_with("ip-");
            let Some(port) = port.and_then(|port| port.parse().ok()).filter(|_| is_target) else {
                continue;
            };
            let place = (port, target.to_owned());
            present.insert(place.clone());
            let known = self.0.entry(place).or_insert_with(|| {
                changed = true;
                "unknown"
            });
            let now = status(cell("status"), cell("check_status")).unwrap_or(*known);
            changed |= now != *known;
            *known = now;
        }
        let before = self.0.len();
        self.0.retain(|place, _| present.contains(place));
        changed || self.0.len() != before
    }

    /// As it is kept with the load balancer.
    pub(super) fn fields(&self) -> Value {
        self.0
            .iter()
            .map(|((port, target), status)| json!({"listen_port": port, "target": target, "status": status}))
            .collect()
    }
}

/// The vendor's word for haproxy's; none while a check is out or a target is on its way down, which changes nothing.
fn status(status: &str, check: &str) -> Option<&'static str> {
    match status {
        _ if check.ends_with("INI") => None,
        "UP" => Some("healthy"),
        down if down.starts_with("DOWN") => Some("unhealthy"),
        _ => None,
    }
}

/// Puts what was found into a load balancer as the API shows it: a status for each service at each target.
pub(crate) fn show_health(balancer: &mut Value) {
    let found = balancer
        .as_object_mut()
        .and_then(|fields| fields.remove("health"));
    let found = found.unwrap_or_default();
    let services = balancer["services"].as_array().into_iter().flatten();
    let ports: Vec<Value> = services.map(|service| service["listen_port"].clone()).collect();
    for target in balancer["targets"].as_array_mut().into_iter().flatten() {
        let private = target["use_private_ip"] == true;
        for chosen in target["targets"].as_array_mut().into_iter().flatten() {
            chosen["use_private_ip"] = json!(private);
            chosen["health_status"] = status_of(chosen, &ports, &found);
        }
        if target_name(target).is_some() {
            target["health_status"] = status_of(target, &ports, &found);
        }
    }
}

fn status_of(target: &Value, ports: &[Value], found: &Value) -> Value {
    let name = target_name(target);
    let of = |port: &Value| {
        let found = found.as_array().into_iter().flatten();
        let is_it =
            |entry: &&Value| entry["target"].as_str() == name.as_deref() && entry["listen_port"] == *port;
        found
            .clone()
            .find(is_it)
            .map_or(json!("unknown"), |entry| entry["status"].clone())
    };
    ports
        .iter()
        .map(|port| json!({"listen_port": port, "status": of(port)}))
        .collect()
}
