//! Digests that name what was asked for.

use base64::Engine as _;
use md5::Md5;
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// MD5 of a key's wire form, `aa:bb:...`: the way the cloud recognises equal keys.
pub(super) fn key_fingerprint(public_key: &str) -> String {
    let wire = public_key.split_whitespace().nth(1).unwrap_or_default();
    // The spec's parser has read the key; what is no base64 cannot arrive here and would equal no key.
    let wire = base64::engine::general_purpose::STANDARD
        .decode(wire)
        .unwrap_or_default();
    let hex: Vec<String> = Md5::digest(wire)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hex.join(":")
}

/// SHA-256 of a value's JSON, 64 hex digits.
pub(super) fn digest(value: &impl Serialize) -> Result<String, serde_json::Error> {
    let hash = Sha256::digest(serde_json::to_vec(value)?);
    Ok(hex::encode(hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_the_fingerprint_that_openssh_gives_it() {
        // `ssh-keygen -l -E md5` of this key.
        let key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f comment";
        assert_eq!(
            key_fingerprint(key),
            "0f:a2:0a:d7:38:3e:65:45:08:6b:63:84:1c:ff:dc:ba"
        );
    }
}
