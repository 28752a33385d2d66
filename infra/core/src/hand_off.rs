//! The last order of an installer to the server that made the cluster: prove that the Sovereign goes on by itself, and hand over
//! what its operator needs.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use ssh_key::PublicKey;
use ssh_key::public::KeyData;

use crate::k3s::JoinToken;
use crate::secret::SentSecret;

/// Longest RSA key that something can be sealed to, in bits.
const RSA_MOST: usize = 4096;

/// Whether something can be sealed to an SSH public key: age knows ed25519 and RSA.
/// (github.com/C2SP/C2SP, `age.md`; the `age` crate takes RSA up to 4096 bits)
pub fn can_be_sealed_to(public: &str) -> bool {
    let Ok(key) = public.parse::<PublicKey>() else {
        return false;
    };
    match key.key_data() {
        KeyData::Ed25519(_) => true,
        KeyData::Rsa(rsa) => rsa.n.as_positive_bytes().is_some_and(|n| n.len() * 8 <= RSA_MOST),
        _ => false,
    }
}

/// What is proven and handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HandOffOrder {
    /// Names of all nodes, in order.
    pub nodes: Vec<String>,
    /// Where the operator reaches the API, `https://host:port`.
    pub api: String,
    /// Whom the kubeconfig is sealed to: SSH public keys or age recipients.
    pub recipients: Vec<String>,
    /// Cloud resources, one YAML document each: `kind`, `id`, `name` and `labels`.
    pub inventory: String,
    /// The secret that let nodes in before; it has to be refused.
    pub old_token: JoinToken,
    /// The cloud token that stays with the Sovereign, where it gets one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_token: Option<CloudToken>,
}

/// A cloud token of the Sovereign's own, with what its cloud's controllers want to know beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CloudToken {
    /// The token.
    pub token: SentSecret,
    /// Name of the private network that the nodes are in, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,
}

/// Who may log in to a host that is let go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseOrder {
    /// These: public keys in OpenSSH form.
    pub authorized_keys: Vec<String>,
    /// These no more, wherever they stand.
    pub revoked_keys: Vec<String>,
}

impl HandOffOrder {
    /// SHA-256 of the document, 64 hex digits. The tokens are part of it: they are long, random, and cannot be guessed from
    /// this.
    pub fn digest(&self) -> String {
        // Every field is a string or list: it can always be written.
        let json = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(Sha256::digest(json))
    }
}
