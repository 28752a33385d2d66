//! A lab's slot: its number decides every name and address, so several labs run side by side.

use std::net::{Ipv4Addr, Ipv6Addr};

/// How many labs with hosts a machine can carry: 198.18.0.0/15 in slices of a /22.
pub(crate) const SLOTS: u8 = 128;

/// A slot, held until dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    number: u8,
}

impl Slot {
    /// Beginning of every name: namespaces, links of the root namespace, control groups.
    pub(crate) fn name(&self) -> String {
        format!("svl{}", self.number)
    }

    /// The namespace that routes between the root namespace, the hosts' public NICs and the metadata service.
    pub(crate) fn router(&self) -> String {
        self.name()
    }

    /// The namespace of a server or load balancer.
    pub(crate) fn host(&self, id: u64) -> String {
        format!("{}-{id}", self.name())
    }

    /// The namespace that routes a private network; holds its gateway address.
    pub(crate) fn network(&self, id: u64) -> String {
        format!("{}-n{id}", self.name())
    }

    /// An address of the slice by its place: 1 is the root namespace's, where hosts reach the installer; 2 the
    /// router's; servers, load balancers and floating IPs start at [`Slot::FIRST_HOST`].
    pub(crate) fn ipv4(&self, place: u16) -> Ipv4Addr {
        let slice = u32::from(self.number) << 10;
        let first = u32::from(Ipv4Addr::new(198, 18, 0, 0));
        Ipv4Addr::from(first | slice | u32::from(place & 0x3ff))
    }

    /// The /64 of the slice by its place; an address in it is its `::1`.
    pub(crate) fn ipv6(&self, place: u16) -> Ipv6Addr {
        Ipv6Addr::new(0x2001, 0xdb8, u16::from(self.number), place, 0, 0, 0, 0)
    }

    /// The first place that is handed out.
    pub(crate) const FIRST_HOST: u16 = 16;
}
