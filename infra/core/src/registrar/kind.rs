//! The registrars and hosts of parent zones that can be named in a spec.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Who holds a domain's delegation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RegistrarKind {
    /// Cloudflare, as host of the parent zone.
    Cloudflare,
    /// Dynadot.
    Dynadot,
    /// Gandi.
    Gandi,
    /// `GoDaddy`.
    Godaddy,
    /// Namecheap.
    Namecheap,
    /// `OVHcloud`.
    Ovh,
    /// Porkbun.
    Porkbun,
}

impl RegistrarKind {
    /// All, in alphabetical order.
    pub const ALL: [Self; 7] = [
        Self::Cloudflare,
        Self::Dynadot,
        Self::Gandi,
        Self::Godaddy,
        Self::Namecheap,
        Self::Ovh,
        Self::Porkbun,
    ];

    /// As it is written in a spec.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cloudflare => "cloudflare",
            Self::Dynadot => "dynadot",
            Self::Gandi => "gandi",
            Self::Godaddy => "godaddy",
            Self::Namecheap => "namecheap",
            Self::Ovh => "ovh",
            Self::Porkbun => "porkbun",
        }
    }

    /// Whether it is asked as the host of the zone above a name, and not as the registrar of a domain.
    pub const fn hosts_the_parent(self) -> bool {
        matches!(self, Self::Cloudflare)
    }
}

impl fmt::Display for RegistrarKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_written_in_one_way() {
        for kind in RegistrarKind::ALL {
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }
}
