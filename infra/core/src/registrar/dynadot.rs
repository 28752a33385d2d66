//! Dynadot.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[
        Part::secret("key", "API key", "DYNADOT_KEY"),
        Part::secret(
            "secret",
            "API secret; signs requests, and never travels",
            "DYNADOT_SECRET",
        ),
    ],
    where_to_get: "https://www.dynadot.com/account/domain/setting/api.html (Tools, API)",
    least_privilege: "a key acts for the whole account; keep the domain in an account of its own if that is too much",
    allow_list: "add the installer's address to `IP whitelist` beside the key, if it is used; it counts after ten minutes",
    limits: "60 requests a minute, one at a time; DS records can be added one by one and taken out only all at once",
};

/// A key and its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DynadotCredential<S> {
    /// API key.
    pub key: S,
    /// API secret.
    pub secret: S,
}

impl<S> DynadotCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<DynadotCredential<T>, E> {
        Ok(DynadotCredential {
            key: look_up(self.key)?,
            secret: look_up(self.secret)?,
        })
    }
}
