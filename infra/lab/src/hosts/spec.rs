//! From what the API shows of a server to the machine to run.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::{IpNet, Ipv4Net};
use serde_json::Value;

use super::Slot;
use super::driver::{Boot, Defects, HostSpec, PrivateNic, PublicNic};
use super::network::Wiring;
use crate::machine::{HostFaults, Machine, Stage};

/// cloud-init's units in order.
const STAGES: [(Stage, &str); 4] = [
    (Stage::Local, "cloud-init-local.service"),
    (Stage::Network, "cloud-init.service"),
    (Stage::Config, "cloud-config.service"),
    (Stage::Final, "cloud-final.service"),
];

/// A server with its machine and the networks of its project, as they are at one moment.
#[derive(Debug)]
pub(crate) struct View {
    /// The server, as it is kept.
    pub(crate) server: Value,
    /// What its machine is to be.
    pub(crate) machine: Machine,
    /// The project's networks.
    pub(crate) networks: Vec<Value>,
}

impl View {
    /// The server's number.
    pub(crate) fn id(&self) -> u64 {
        self.server["id"].as_u64().unwrap_or_default()
    }

    /// The machine to run, kept in `directory`.
    pub(crate) fn spec(&self, slot: &Slot, directory: PathBuf) -> HostSpec {
        let id = self.id();
        let sold = &self.server["server_type"];
        let boot = match &self.machine.rescue {
            _ if self.machine.faults.dead => Boot::Dead,
            Some(keys) => Boot::Rescue { keys: keys.clone() },
            None => Boot::Disk,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a catalogue's few gigabytes"
        )]
        let memory_mib = (sold["memory"].as_f64().unwrap_or(2.0) * 1024.0) as u64;
        HostSpec {
            id,
            name: self.server["name"].as_str().unwrap_or_default().to_owned(),
            namespace: slot.host(id),
            directory,
            cores: sold["cores"].as_u64().unwrap_or(1),
            memory_mib,
            disk_gib: sold["disk"].as_u64().unwrap_or(20),
            boot,
            public: self.public(),
            private: self.private(),
            resolvers: vec![slot.gateway()],
            defects: defects(&self.machine.faults),
        }
    }

    /// How it is wired.
    pub(crate) fn wiring(&self, configured: bool) -> Wiring {
        Wiring {
            id: self.id(),
            public: self.public(),
            private: self.private(),
            configured,
        }
    }

    fn public(&self) -> Option<PublicNic> {
        let net = &self.server["public_net"];
        let ipv4 = net["ipv4"]["ip"].as_str().and_then(|ip| ip.parse().ok());
        let ipv6 = net["ipv6"]["ip"].as_str().and_then(first_of);
        if ipv4.is_none() && ipv6.is_none() {
            return None;
        }
        let [.., a, b, c] = self.id().to_be_bytes();
        Some(PublicNic {
            mac: format!("96:00:00:{a:02x}:{b:02x}:{c:02x}"),
            ipv4,
            ipv6,
        })
    }

    fn private(&self) -> Vec<PrivateNic> {
        let nics = self.server["private_net"].as_array().into_iter().flatten();
        nics.filter_map(|nic| self.private_nic(nic)).collect()
    }

    fn private_nic(&self, nic: &Value) -> Option<PrivateNic> {
        let network = self.networks.iter().find(|net| net["id"] == nic["network"])?;
        let range: Ipv4Net = network["ip_range"].as_str()?.parse().ok()?;
        let ipv4: Ipv4Addr = nic["ip"].as_str()?.parse().ok()?;
        Some(PrivateNic {
            network: nic["network"].as_u64()?,
            mac: nic["mac_address"].as_str()?.to_owned(),
            ipv4,
            gateway: range.hosts().next()?,
            range,
        })
    }
}

/// The `::1` of a network.
fn first_of(network: &str) -> Option<Ipv6Addr> {
    match network.parse::<IpNet>().ok()?.network() {
        IpAddr::V6(ip) => Some(Ipv6Addr::from(u128::from(ip) | 1)),
        IpAddr::V4(_) => None,
    }
}

fn defects(faults: &HostFaults) -> Defects {
    Defects {
        slow_seconds: faults.slow_seconds,
        files: stages(faults.cloud_init_fails),
        disk_left_mib: faults.disk_left_mib,
        clock_offset: faults.clock_offset,
        wrong_metadata_route: faults.metadata_route,
    }
}

/// What makes a stage of cloud-init fail, and those after it not run: in truth each leans on what the one before left.
fn stages(failing: Option<Stage>) -> Vec<(String, Option<String>)> {
    let at = STAGES.iter().position(|(stage, _)| Some(*stage) == failing);
    let drop_in = |place: usize| {
        let (before, failing) = (place.checked_sub(1)?, at?);
        (failing <= before).then(|| format!("[Unit]\nRequires={}\n", STAGES[before].1))
    };
    let failure = "[Service]\nExecStartPre=sh -c 'echo this stage of cloud-init fails, as set in the lab >&2; exit 1'\n";
    let of = |(place, (_, unit)): (usize, &(Stage, &str))| {
        let content = if at == Some(place) {
            Some(failure.to_owned())
        } else {
            drop_in(place)
        };
        (format!("/etc/systemd/system/{unit}.d/lab.conf"), content)
    };
    STAGES.iter().enumerate().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_stage_takes_those_after_it_along() {
        let files = stages(Some(Stage::Network));
        let contents: Vec<Option<&str>> = files.iter().map(|(_, content)| content.as_deref()).collect();
        assert_eq!(contents[0], None);
        assert!(contents[1].is_some_and(|text| text.contains("exit 1")));
        assert_eq!(contents[2], Some("[Unit]\nRequires=cloud-init.service\n"));
        assert_eq!(contents[3], Some("[Unit]\nRequires=cloud-config.service\n"));
        assert!(stages(None).iter().all(|(_, content)| content.is_none()));
    }
}
