//! The registry that a node runs for itself and its pods: the document that the installer sends and the agent makes true.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::k3s::Artifact;

/// Where each node's registry listens: an address of the node's own, the same on every node. Who calls it is answered by the node it
/// runs on, without DNS and without any other node.
pub const NODE_REGISTRY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 20, 20), 5443);

/// The registry that a node runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct NodeRegistry {
    /// What it serves: a tar file that holds an OCI image layout.
    pub archive: Artifact,
    /// Where it listens.
    pub address: SocketAddrV4,
    /// Names and addresses that its certificate is good for.
    pub names: Vec<String>,
    /// The Sovereign's CA for registries, PEM.
    pub ca_pem: String,
    /// Its certificate by that CA, PEM.
    pub certificate_pem: String,
    /// The key of its certificate.
    pub key: RegistryKey,
}

/// The key of a registry's certificate, in PEM. It travels on the node link and is never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RegistryKey(String);

impl RegistryKey {
    /// Takes the key in.
    pub fn new(pem: impl Into<String>) -> Self {
        Self(pem.into())
    }

    /// The key, to be written where the registry reads it and nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RegistryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RegistryKey(..)")
    }
}

impl NodeRegistry {
    /// SHA-256 of what the registry is to be, 64 hex digits. One certificate by the CA for the same names is as good as another, so
    /// that the installer need not keep them.
    pub fn digest(&self) -> String {
        let what = (&self.archive, &self.address, &self.names, &self.ca_pem);
        // Every field is a string, number or list: it can always be written.
        let json = serde_json::to_vec(&what).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document() -> NodeRegistry {
        NodeRegistry {
            archive: Artifact {
                sha256: "ab".repeat(32),
                size: 10,
            },
            address: NODE_REGISTRY,
            names: vec!["169.254.20.20".into(), "10.0.0.2".into()],
            ca_pem: "the ca".into(),
            certificate_pem: "a certificate".into(),
            key: RegistryKey::new("canary-key"),
        }
    }

    #[test]
    fn a_key_is_never_shown() {
        let shown = format!("{:?}", document());
        assert!(
            shown.contains("RegistryKey(..)") && !shown.contains("canary-key"),
            "{shown}"
        );
    }

    #[test]
    fn a_document_comes_back_as_it_went() {
        let text = serde_json::to_string(&document()).unwrap();
        assert!(text.contains(r#""address":"169.254.20.20:5443""#), "{text}");
        assert_eq!(serde_json::from_str::<NodeRegistry>(&text).unwrap(), document());
        assert!(serde_json::from_str::<NodeRegistry>(&text.replace("names", "nams")).is_err());
    }

    #[test]
    fn another_certificate_is_the_same_registry_and_another_name_is_not() {
        let mut other = document();
        other.certificate_pem = "another".into();
        other.key = RegistryKey::new("another");
        assert_eq!(other.digest(), document().digest());
        other.names.pop();
        assert_ne!(other.digest(), document().digest());
    }
}
