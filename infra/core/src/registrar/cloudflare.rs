//! Cloudflare, as host of the parent zone.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[Part::secret("token", "API token", "CLOUDFLARE_TOKEN")],
    where_to_get: "https://dash.cloudflare.com/profile/api-tokens",
    least_privilege: "permissions `Zone: Zone: Read` and `Zone: DNS: Edit` for the one parent zone",
    allow_list: "the token's `Client IP Address Filtering`, if it is set, must hold the installer's address",
    limits: "1,200 requests in 5 minutes for all tokens of a user; Cloudflare must be the host of the parent zone, as its registrar lets nobody change name servers",
};

/// An API token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloudflareCredential<S> {
    /// The token.
    pub token: S,
}

impl<S> CloudflareCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<CloudflareCredential<T>, E> {
        Ok(CloudflareCredential {
            token: look_up(self.token)?,
        })
    }
}
