//! `GoDaddy`.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[
        Part::secret("key", "production API key", "GODADDY_KEY"),
        Part::secret("secret", "its secret", "GODADDY_SECRET"),
        Part::plain(
            "customer",
            "customer id; with it DS records can be set, too",
            "295e3bc3-b3b9-4d95-aae5-ede41a994d13",
        )
        .optional(),
    ],
    where_to_get: "https://developer.godaddy.com/keys, with environment `Production`",
    least_privilege: "a key acts for the whole account; keep the domain in an account of its own if that is too much",
    allow_list: "none",
    limits: "60 requests a minute; GoDaddy lets only accounts with enough domains or a Discount Domain Club plan use the API, and protected domains ask for a second factor that no API can give",
};

/// A key and its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GodaddyCredential<S> {
    /// API key.
    pub key: S,
    /// Its secret.
    pub secret: S,
    /// Customer id, as `GET /v1/shoppers/{shopper}?includes=customerId` tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<String>,
}

impl<S> GodaddyCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<GodaddyCredential<T>, E> {
        Ok(GodaddyCredential {
            key: look_up(self.key)?,
            secret: look_up(self.secret)?,
            customer: self.customer,
        })
    }
}
