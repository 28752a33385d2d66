//! Network interfaces, as `ip` tells of them: in a container `/sys` may show somebody else's.

use std::net::IpAddr;

use serde::Deserialize;

use crate::host::Host;

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Interface {
    #[serde(rename = "ifname")]
    pub(super) name: String,
    /// The link address.
    #[serde(rename = "address", default)]
    pub(super) mac: String,
    /// What the kernel says of it, for example `UP` or `NO-CARRIER`.
    #[serde(default)]
    pub(super) flags: Vec<String>,
    /// In bytes.
    pub(super) mtu: u32,
    #[serde(rename = "addr_info", default)]
    pub(super) addresses: Vec<Address>,
}

/// An address of an interface.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Address {
    pub(super) local: IpAddr,
}

impl Interface {
    /// Nothing is at the other end of its cable.
    pub(super) fn no_carrier(&self) -> bool {
        self.flags.iter().any(|flag| flag == "NO-CARRIER")
    }

    pub(super) fn has(&self, test: impl Fn(&IpAddr) -> bool) -> bool {
        self.addresses.iter().any(|address| test(&address.local))
    }
}

/// Every interface but loopback and those that a cluster makes on the host; none where `ip` does not answer.
pub(super) async fn all(host: &Host) -> Vec<Interface> {
    let shown = host
        .run("ip", &["-json", "address", "show"])
        .await
        .unwrap_or_default();
    parse(&shown.stdout)
}

pub(super) fn parse(json: &str) -> Vec<Interface> {
    let all: Vec<Interface> = serde_json::from_str(json).unwrap_or_default();
    all.into_iter()
        .filter(|nic| !made_by_software(&nic.name))
        .collect()
}

fn made_by_software(name: &str) -> bool {
    name == "lo"
        || ["lxc", "cilium", "cni", "flannel", "veth", "docker", "br-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
}
