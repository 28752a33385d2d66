//! The lab's network: a router, a namespace for each private network, and one for each host, wired like the cloud's.
//!
//! Nothing is bridged: as in the cloud every host is alone on its link, holds a /32, and sees only a gateway. No
//! namespace has a route to anywhere outside the lab.
//! Names a part can count on, for a host or load balancer with number `ID` and a network with number `NET`:
//!
//! | where | link | what |
//! | --- | --- | --- |
//! | router (`slot.router()`) | `pID` | the other end of the host's `eth0`: filter public traffic here |
//! | network (`slot.network(NET)`) | `ID` | the other end of the host's NIC in that network |
//! | host (`slot.host(ID)`) | `eth0`, then `enp7s0`, `enp8s0`, ... | public NIC, private NICs in the API's order |
//!
//! A driver whose hosts configure themselves finds the NICs up and without addresses and bridges them to its taps;
//! the gateways' ends carry 172.31.1.1 and `fe80::1` (public), or the network's gateway (private), either way.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use tokio::sync::Mutex;

use super::driver::{PrivateNic, PublicNic};
use super::{HostError, Slot, command, namespace};

/// The on-link gateway of every public NIC.
pub(crate) const PUBLIC_GATEWAY: Ipv4Addr = Ipv4Addr::new(172, 31, 1, 1);
/// Where metadata is served.
pub(crate) const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);
/// Greatest packet of a private network.
pub(crate) const PRIVATE_MTU: u16 = 1450;

/// The name of a host's private NIC by its place.
pub(crate) fn private_nic(place: usize) -> String {
    format!("enp{}s0", 7 + place)
}

/// The NICs of a host or load balancer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wiring {
    /// Number of the server or load balancer.
    pub(crate) id: u64,
    /// Its public NIC.
    pub(crate) public: Option<PublicNic>,
    /// Its private NICs in order.
    pub(crate) private: Vec<PrivateNic>,
    /// Whether it finds addresses and routes in place, or configures its NICs itself.
    pub(crate) configured: bool,
}

/// The lab's network.
#[derive(Debug)]
pub(crate) struct Fabric {
    slot: Arc<Slot>,
    /// Locked while a network's namespace is made or removed.
    networks: Mutex<()>,
}

impl Fabric {
    /// Makes the router and the root namespace's way to it.
    pub(crate) async fn raise(slot: Arc<Slot>) -> Result<Self, HostError> {
        let router = slot.router();
        make_router(&router).await?;
        let link = slot.name();
        let (gateway, range) = (slot.gateway(), slot.range());
        let (gateway6, range6) = (slot.gateway6(), slot.range6());
        let near = format!(
            "link add {link} type veth peer name uplink netns {router}\n\
             link set {link} up\n\
             addr add {gateway}/32 dev {link}\n\
             addr add fe80::1/64 dev {link} nodad\n\
             addr add {gateway6}/128 dev {link} nodad\n\
             route add {range} via {} dev {link} onlink src {gateway}\n\
             route add {range6} via fe80::2 dev {link} src {gateway6}\n",
            slot.router_address(),
        );
        command::feed("ip", ["-batch", "-"], &near).await?;
        let far = format!(
            "addr add {METADATA}/32 dev lo\n\
             link set uplink up\n\
             addr add {}/32 dev uplink\n\
             addr add fe80::2/64 dev uplink nodad\n\
             route add {gateway}/32 dev uplink\n\
             route add {gateway6}/128 via fe80::1 dev uplink\n",
            slot.router_address(),
        );
        batch(&router, &far).await?;
        Ok(Self {
            slot,
            networks: Mutex::new(()),
        })
    }

    /// The slot whose names it uses.
    pub(crate) fn slot(&self) -> &Arc<Slot> {
        &self.slot
    }

    /// Makes the namespace of a host or load balancer with its NICs; one that is there already is replaced.
    pub(crate) async fn plug(&self, wiring: &Wiring) -> Result<(), HostError> {
        self.unplug(wiring.id).await?;
        let host = self.slot.host(wiring.id);
        command::run("ip", ["netns", "add", &host]).await?;
        let mut lines = String::from("link set lo up\n");
        if let Some(nic) = &wiring.public {
            lines += &self.public_end(wiring, nic);
        }
        for (place, nic) in wiring.private.iter().enumerate() {
            self.need_network(nic.network).await?;
            lines += &self.private_end(wiring, place, nic);
        }
        batch(&host, &lines).await?;
        if let Some(nic) = &wiring.public {
            batch(&self.slot.router(), &public_gateway_end(wiring.id, nic)).await?;
        }
        for nic in &wiring.private {
            let lines = private_gateway_end(wiring.id, nic);
            batch(&self.slot.network(nic.network), &lines).await?;
        }
        Ok(())
    }

    /// Removes the namespace of a host or load balancer; its NICs and their other ends go with it.
    pub(crate) async fn unplug(&self, id: u64) -> Result<(), HostError> {
        let host = self.slot.host(id);
        if !namespace::path(&host).exists() {
            return Ok(());
        }
        // The kernel takes a namespace apart after the command has returned; its links would be in the way.
        let ends = ["eth0".to_owned(), private_nic(0), private_nic(1), private_nic(2)];
        for end in ends {
            let _ = command::run("ip", ["-n", &host, "link", "delete", &end]).await;
        }
        command::run("ip", ["netns", "delete", &host]).await?;
        Ok(())
    }

    /// Lets a host's public NIC lose its carrier, or find it again.
    pub(crate) async fn public_carrier(&self, wiring: &Wiring, up: bool) -> Result<(), HostError> {
        let Some(nic) = &wiring.public else {
            return Ok(());
        };
        let lines = if up {
            public_gateway_end(wiring.id, nic)
        } else {
            format!("link set p{} down\n", wiring.id)
        };
        batch(&self.slot.router(), &lines).await
    }

    /// Lets a host's private NICs lose their carrier, or find it again.
    pub(crate) async fn private_carrier(&self, wiring: &Wiring, up: bool) -> Result<(), HostError> {
        for nic in &wiring.private {
            let lines = if up {
                private_gateway_end(wiring.id, nic)
            } else {
                format!("link set {} down\n", wiring.id)
            };
            batch(&self.slot.network(nic.network), &lines).await?;
        }
        Ok(())
    }

    /// Sends a configured host's questions for metadata into its first private network, where nobody answers them.
    pub(crate) async fn misroute_metadata(&self, wiring: &Wiring) -> Result<(), HostError> {
        let Some(nic) = wiring.private.first().filter(|_| wiring.configured) else {
            return Ok(());
        };
        let line = format!(
            "route replace {METADATA}/32 via {} dev {} onlink\n",
            nic.gateway,
            private_nic(0)
        );
        batch(&self.slot.host(wiring.id), &line).await
    }

    /// Makes the namespace of a private network unless it is there.
    async fn need_network(&self, network: u64) -> Result<(), HostError> {
        let _one_at_a_time = self.networks.lock().await;
        let name = self.slot.network(network);
        if namespace::path(&name).exists() {
            return Ok(());
        }
        make_router(&name).await
    }

    /// Removes the namespace of a private network that is no more.
    pub(crate) async fn forget_network(&self, network: u64) -> Result<(), HostError> {
        let _one_at_a_time = self.networks.lock().await;
        let name = self.slot.network(network);
        if namespace::path(&name).exists() {
            command::run("ip", ["netns", "delete", &name]).await?;
        }
        Ok(())
    }

    fn public_end(&self, wiring: &Wiring, nic: &PublicNic) -> String {
        let mut lines = format!(
            "link add eth0 address {} type veth peer name p{} netns {}\nlink set eth0 up\n",
            nic.mac,
            wiring.id,
            self.slot.router(),
        );
        if !wiring.configured {
            return lines;
        }
        if let Some(ip) = nic.ipv4 {
            lines += &format!(
                "addr add {ip}/32 dev eth0\n\
                 route add {PUBLIC_GATEWAY} dev eth0 scope link\n\
                 route add default via {PUBLIC_GATEWAY} dev eth0 onlink\n"
            );
        }
        if let Some(ip) = nic.ipv6 {
            lines += &format!("addr add {ip}/64 dev eth0 nodad\nroute add default via fe80::1 dev eth0\n");
        }
        lines
    }

    fn private_end(&self, wiring: &Wiring, place: usize, nic: &PrivateNic) -> String {
        let name = private_nic(place);
        let mut lines = format!(
            "link add {name} address {} mtu {PRIVATE_MTU} type veth peer name {} mtu {PRIVATE_MTU} netns {}\n\
             link set {name} up\n",
            nic.mac,
            wiring.id,
            self.slot.network(nic.network),
        );
        if wiring.configured {
            lines += &format!(
                "addr add {}/32 dev {name}\n\
                 route add {gateway} dev {name} scope link\n\
                 route add {} via {gateway} dev {name} onlink\n",
                nic.ipv4,
                nic.range,
                gateway = nic.gateway,
            );
        }
        lines
    }
}

fn public_gateway_end(id: u64, nic: &PublicNic) -> String {
    let mut lines = format!(
        "link set p{id} up\naddr replace {PUBLIC_GATEWAY}/32 dev p{id}\naddr replace fe80::1/64 dev p{id} nodad\n"
    );
    if let Some(ip) = nic.ipv4 {
        lines += &format!("route replace {ip}/32 dev p{id} src {PUBLIC_GATEWAY}\n");
    }
    if let Some(ip) = nic.ipv6 {
        let network = Ipv6Addr::from(u128::from(ip) >> 64 << 64);
        lines += &format!("route replace {network}/64 dev p{id}\n");
    }
    lines
}

fn private_gateway_end(id: u64, nic: &PrivateNic) -> String {
    format!(
        "link set {id} up\naddr replace {gateway}/32 dev {id}\nroute replace {}/32 dev {id} src {gateway}\n",
        nic.ipv4,
        gateway = nic.gateway,
    )
}

/// A namespace that forwards.
async fn make_router(name: &str) -> Result<(), HostError> {
    command::run("ip", ["netns", "add", name]).await?;
    command::run("ip", ["-n", name, "link", "set", "lo", "up"]).await?;
    let forward = || {
        std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
        std::fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1")
    };
    namespace::within(name, forward).await
}

/// Runs lines of `ip` in a namespace.
async fn batch(namespace: &str, lines: &str) -> Result<(), HostError> {
    command::feed("ip", ["-n", namespace, "-batch", "-"], lines).await?;
    Ok(())
}
