//! Gandi.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[Part::secret("token", "personal access token", "GANDI_TOKEN")],
    where_to_get: "https://admin.gandi.net, organization, `Sharing`, `Personal Access Token (PAT)`",
    least_privilege: "a token of the one organization, restricted to the one domain, that may `See and renew domain names` and `Manage domain name technical configurations`",
    allow_list: "none",
    limits: "1,000 requests a minute from one address; changes are done some minutes after they were accepted",
};

/// A personal access token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GandiCredential<S> {
    /// The token.
    pub token: S,
}

impl<S> GandiCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<GandiCredential<T>, E> {
        Ok(GandiCredential {
            token: look_up(self.token)?,
        })
    }
}
