//! `OVHcloud`.

use serde::{Deserialize, Serialize};

use super::help::{CredentialHelp, Part};

pub(super) const HELP: CredentialHelp = CredentialHelp {
    needs: &[
        Part::plain("region", "whose API: `eu`, `ca` or `us`", "eu"),
        Part::secret("applicationKey", "application key", "OVH_APPLICATION_KEY"),
        Part::secret(
            "applicationSecret",
            "application secret",
            "OVH_APPLICATION_SECRET",
        ),
        Part::secret(
            "consumerKey",
            "consumer key, confirmed in the browser",
            "OVH_CONSUMER_KEY",
        ),
    ],
    where_to_get: "https://eu.api.ovh.com/createToken/ (https://ca.api.ovh.com/createToken/, https://api.us.ovhcloud.com/createToken/)",
    least_privilege: "rights `GET` and `PUT` on `/v2/domain/name/{domain}`, nothing else, with an end a few weeks ahead",
    allow_list: "the consumer key's `Restricted IPs`, if set, must hold the installer's address",
    limits: "changes are tasks that take minutes, sometimes hours; one at a time a domain",
};

/// Whose API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OvhRegion {
    /// Europe.
    Eu,
    /// Canada, and everybody outside Europe and the United States.
    Ca,
    /// United States.
    Us,
}

/// An application and what it may do in one customer's name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct OvhCredential<S> {
    /// Whose API.
    pub region: OvhRegion,
    /// Application key.
    pub application_key: S,
    /// Application secret; signs, and never travels.
    pub application_secret: S,
    /// Consumer key.
    pub consumer_key: S,
}

impl<S> OvhCredential<S> {
    pub(super) fn resolve<T, E>(
        self,
        look_up: &mut dyn FnMut(S) -> Result<T, E>,
    ) -> Result<OvhCredential<T>, E> {
        Ok(OvhCredential {
            region: self.region,
            application_key: look_up(self.application_key)?,
            application_secret: look_up(self.application_secret)?,
            consumer_key: look_up(self.consumer_key)?,
        })
    }
}
