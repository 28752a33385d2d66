//! The vendors, and what a vendor's file has to say.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::registry::World;
use super::request::{Reply, Request};
use super::{cloudflare, dynadot, gandi, godaddy, namecheap, ovh, porkbun};

/// Whose contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrarVendor {
    /// Cloudflare, as host of the parent zone.
    Cloudflare,
    /// Dynadot, REST v2.
    Dynadot,
    /// Gandi v5.
    Gandi,
    /// `GoDaddy` v1 and v2.
    Godaddy,
    /// Namecheap's XML.
    Namecheap,
    /// `OVHcloud` v2.
    Ovh,
    /// Porkbun v3.
    Porkbun,
}

impl RegistrarVendor {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Cloudflare,
        Self::Dynadot,
        Self::Gandi,
        Self::Godaddy,
        Self::Namecheap,
        Self::Ovh,
        Self::Porkbun,
    ];

    pub(super) fn contract(self) -> &'static dyn Contract {
        match self {
            Self::Cloudflare => &cloudflare::Cloudflare,
            Self::Dynadot => &dynadot::Dynadot,
            Self::Gandi => &gandi::Gandi,
            Self::Godaddy => &godaddy::Godaddy,
            Self::Namecheap => &namecheap::Namecheap,
            Self::Ovh => &ovh::Ovh,
            Self::Porkbun => &porkbun::Porkbun,
        }
    }

    /// The name servers a domain has at first.
    pub fn default_ns(self) -> Vec<String> {
        let names: &[&str] = match self {
            // A name below a zone is answered from the zone.
            Self::Cloudflare => &[],
            Self::Dynadot => &["ns1.dyna-ns.net", "ns2.dyna-ns.net"],
            Self::Gandi => &["ns-1-a.gandi.net", "ns-2-b.gandi.net", "ns-3-c.gandi.net"],
            Self::Godaddy => &["ns01.domaincontrol.com", "ns02.domaincontrol.com"],
            Self::Namecheap => &["dns1.registrar-servers.com", "dns2.registrar-servers.com"],
            Self::Ovh => &["dns101.ovh.net", "ns101.ovh.net"],
            Self::Porkbun => &["curitiba.ns.porkbun.com", "fortaleza.ns.porkbun.com"],
        };
        names.iter().map(|name| (*name).to_owned()).collect()
    }
}

/// Why a request is turned away before its contract is looked at.
#[derive(Debug, Clone, Copy)]
pub(super) enum Refusal {
    /// The vendor fails with an HTTP status.
    Failure(u16),
    /// Too many requests; seconds to wait.
    RateLimited(u64),
    /// From an address that is not on the allow-list.
    NotAllowed(IpAddr),
}

/// One vendor's contract.
pub(super) trait Contract: Sync {
    /// Whether a request changes something.
    fn writes(&self, request: &Request) -> bool;

    /// Does what is asked.
    fn answer(&self, world: &mut World, request: &Request) -> Reply;

    /// A refusal in the vendor's form.
    fn refusal(&self, refusal: Refusal) -> Reply;
}
