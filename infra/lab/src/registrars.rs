//! Registrars on this machine, written from their vendors' contracts: stateful, with fault switches, and with a parent zone that
//! follows them in real DNS.
//!
//! ```text
//!  HTTP ──► server: takes notes, faults, allow-list ──► one file a vendor: its contract ──► Registry: domains, tasks by the clock
//!                                                                                              │
//!                                                                   ParentZone::changed ◄──────┘
//! ```

mod cloudflare;
mod contract;
mod credential;
mod desk;
mod dnskey;
mod dynadot;
mod fault;
mod gandi;
mod godaddy;
mod namecheap;
mod ovh;
mod parent_zone;
mod porkbun;
mod registry;
mod request;
mod server;

pub use self::contract::RegistrarVendor;
pub use self::desk::{OwnersChange, RegistrarView};
pub(crate) use self::desk::{Registrars, answer as answer_desk};
pub use self::fault::{RegistrarEffect, RegistrarFault};
pub use self::parent_zone::{ParentZone, PowerDnsParent};
pub use self::registry::{DsData, Published, RegisteredDomain, Registry};
pub use self::request::Recorded;
pub use self::server::RegistrarSim;
