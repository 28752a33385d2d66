//! For tests: a slot with its network, and hosts in it that are nothing but namespaces.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::driver::{PrivateNic, PublicNic};
use super::network::{Fabric, Wiring};
use super::{Slot, namespace, slot};

/// The private network of every host here.
pub(crate) const NETWORK: u64 = 5;

/// A lab's network without a lab.
#[derive(Debug)]
pub(crate) struct Bench {
    fabric: Arc<Fabric>,
}

impl Bench {
    /// Takes a slot and raises its network.
    pub(crate) async fn raise() -> Self {
        let slot = Arc::new(Slot::take(None).await.expect("a slot"));
        let fabric = Fabric::raise(slot).await.expect("a network");
        Self {
            fabric: Arc::new(fabric),
        }
    }

    /// The network.
    pub(crate) fn fabric(&self) -> &Arc<Fabric> {
        &self.fabric
    }

    /// The slot.
    pub(crate) fn slot(&self) -> &Arc<Slot> {
        self.fabric.slot()
    }

    /// Wires a host; returns its public address, and 10.77.0.`id` in the private network.
    pub(crate) async fn host(&self, id: u8, configured: bool) -> (Ipv4Addr, Ipv4Addr) {
        let wiring = self.wiring(id, configured);
        self.fabric.plug(&wiring).await.expect("wires");
        let public = wiring.public.and_then(|nic| nic.ipv4);
        (public.expect("an address"), wiring.private[0].ipv4)
    }

    /// How a host is wired.
    pub(crate) fn wiring(&self, id: u8, configured: bool) -> Wiring {
        let place = Slot::FIRST_PLACE + u16::from(id);
        let public = PublicNic {
            mac: format!("96:00:00:00:00:{id:02x}"),
            ipv4: Some(slot::ipv4(self.slot().number(), place)),
            ipv6: None,
        };
        let private = PrivateNic {
            network: NETWORK,
            mac: format!("86:00:00:00:00:{id:02x}"),
            ipv4: Ipv4Addr::new(10, 77, 0, id),
            gateway: Ipv4Addr::new(10, 77, 0, 1),
            range: "10.77.0.0/16".parse().expect("a range"),
        };
        Wiring {
            id: id.into(),
            public: Some(public),
            private: vec![private],
            configured,
        }
    }

    /// Removes everything.
    pub(crate) async fn end(self) {
        self.slot().give_back().await.expect("nothing left");
    }
}

/// Accepts connections to a port at every address of a namespace.
pub(crate) async fn listens(namespace: String, port: u16) -> TcpListener {
    let everywhere = (Ipv4Addr::UNSPECIFIED, port).into();
    namespace::listen(&namespace, everywhere)
        .await
        .expect("a listener")
}

/// Whether somebody accepts a connection from a namespace to an address within a time.
pub(crate) async fn connects(from: String, to: SocketAddr, within: Duration) -> bool {
    let attempt = move || Ok(std::net::TcpStream::connect_timeout(&to, within).is_ok());
    namespace::within(&from, attempt)
        .await
        .expect("a thread in a namespace")
}
