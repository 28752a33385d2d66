//! Namecheap.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[
        Part::plain("user", "name of the account", "acme"),
        Part::secret("key", "API key", "NAMECHEAP_KEY"),
        Part::plain(
            "clientIp",
            "IPv4 address that the installer's requests come from",
            "203.0.113.9",
        ),
    ],
    where_to_get: "https://ap.www.namecheap.com/settings/tools/apiaccess/",
    least_privilege: "a key acts for the whole account; keep the domain in an account of its own if that is too much",
    allow_list: "add the IPv4 address, given as `clientIp`, to `Whitelisted IPs` beside the key; IPv6 is not possible",
    limits: "20 requests a minute, 700 an hour; API access needs 20 domains, 50 dollars of balance, or 50 dollars spent in two years; DS records only by hand",
};

/// A key, and where it is used from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NamecheapCredential<S> {
    /// Name of the account.
    pub user: String,
    /// API key.
    pub key: S,
    /// Where requests come from, as Namecheap sees it.
    pub client_ip: Ipv4Addr,
}

impl<S> NamecheapCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<NamecheapCredential<T>, E> {
        Ok(NamecheapCredential {
            user: self.user,
            key: look_up(self.key)?,
            client_ip: self.client_ip,
        })
    }
}
