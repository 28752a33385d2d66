//! The host side: servers of the API become real machines of this one.
//!
//! ```text
//!  Project ──► reconciler ──► HostDriver: container (systemd-nspawn) or VM (QEMU)
//!     ▲            │    └───► parts: firewalls, balancers, volumes follow a Picture of what the projects hold
//!     └── Seen ────┘
//!
//!  root namespace            router `svlN`                      a namespace for each host `svlN-ID`
//!  198.18.s.1 ── veth svlN ── 198.18.s.2    172.31.1.1 ── pID ─── eth0   198.18.s.h/32, 2001:db8:s:h::1/64
//!                             169.254.169.254 (metadata)
//!                            a namespace for each network `svlN-nNET`
//!                                               gateway .1 ── ID ─── enp7s0  10.0.1.h/32
//! ```
//!
//! Everything bears the name of the lab's [`Slot`], so that what a killed lab left behind is found and removed by
//! whoever comes next. Processes die with the lab, mounts live in the mount namespace of the process that needs them.

pub(crate) mod balancer;
pub(crate) mod command;
pub(crate) mod container;
mod control_group;
pub(crate) mod dhcp;
pub(crate) mod driver;
pub(crate) mod firewall;
pub(crate) mod follow;
pub(crate) mod image;
pub(crate) mod metadata;
pub(crate) mod namespace;
pub(crate) mod network;
pub(crate) mod part;
pub(crate) mod problem;
pub(crate) mod process;
pub(crate) mod site;
pub(crate) mod slot;
pub(crate) mod spec;
#[cfg(test)]
pub(crate) mod testing;

mod tools;
pub(crate) mod vm;
pub(crate) mod volume;
mod worker;

pub(crate) use driver::{Ended, HostDriver, HostSpec, RunningHost};
pub(crate) use part::{Finding, Part, Picture};
pub use problem::HostError;
pub(crate) use slot::Slot;
