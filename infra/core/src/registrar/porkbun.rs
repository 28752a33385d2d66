//! Porkbun.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[
        Part::secret("key", "API key, `pk1_...`", "PORKBUN_KEY"),
        Part::secret("secret", "secret API key, `sk1_...`", "PORKBUN_SECRET"),
    ],
    where_to_get: "https://porkbun.com/account/api",
    least_privilege: "a key acts for the whole account; switch `API Access` on for the one domain only",
    allow_list: "the key's own list of addresses, if it is set",
    limits: "about one request a second; the domain must have `API Access` switched on",
};

/// A pair of keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PorkbunCredential<S> {
    /// API key.
    pub key: S,
    /// Secret API key.
    pub secret: S,
}

impl<S> PorkbunCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<PorkbunCredential<T>, E> {
        Ok(PorkbunCredential {
            key: look_up(self.key)?,
            secret: look_up(self.secret)?,
        })
    }
}
