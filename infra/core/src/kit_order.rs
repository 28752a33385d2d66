//! The kit that a Sovereign gets: the document that the installer sends to the server that made the cluster, and its agent makes true.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::k3s::Artifact;
use crate::spec::KitProfile;

/// The kit that a Sovereign gets. There is no secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KitOrder {
    /// The archive with it, which the node registry serves.
    pub archive: Artifact,
    /// Digest of the manifest of its tree, `sha256:..`.
    pub kit: String,
    /// Which components, how large.
    pub profile: KitProfile,
    /// The values of its variables.
    pub variables: BTreeMap<String, String>,
    /// Public key of whoever packed it, PEM.
    pub signer: String,
    /// The Sovereign's CA for node registries, PEM.
    pub registry_ca: String,
}

impl KitOrder {
    /// SHA-256 of the document, 64 hex digits.
    pub fn digest(&self) -> String {
        // Every field is a string, number or map: it can always be written.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}
