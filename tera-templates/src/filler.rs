//! Stand-ins for what is made when a server is: they open nothing, and have the length and the randomness of the real
//! thing, so a plan can show how large its user data will be. The same in every plan.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::cloud_init::Reach;

/// A certificate as the installer's authority has one. Nobody has its key.
const CERTIFICATE: &str = include_str!("filler/authority.pem");
/// Name of the one algorithm that the installer makes SSH keys for.
const ED25519: &[u8] = b"ssh-ed25519";
/// Comment of the installer's keys.
const COMMENT: &[u8] = b"sovereign";

/// Stands in for a [`Reach::Https`].
pub fn https(url: &str, agent_sha256: &str) -> Reach {
    Reach::Https {
        url: url.to_owned(),
        ca_pem: CERTIFICATE.to_owned(),
        ticket: URL_SAFE_NO_PAD.encode(noise("ticket", 32)).into(),
        agent_sha256: agent_sha256.to_owned(),
    }
}

/// Stands in for a [`Reach::Ssh`].
pub fn ssh() -> Reach {
    Reach::Ssh {
        host_key_private: private_key("host key").into(),
        host_key_public: public_key("host key"),
        login_key_public: public_key("login key"),
    }
}

/// A public key as one line.
fn public_key(seed: &str) -> String {
    let key = STANDARD.encode(public_blob(seed));
    [ED25519, key.as_bytes(), COMMENT]
        .map(String::from_utf8_lossy)
        .join(" ")
}

fn public_blob(seed: &str) -> Vec<u8> {
    [field(ED25519), field(&noise(seed, 32))].concat()
}

/// OpenSSH's own form, not encrypted. The public half stands in it three times, which compresses; so it must here.
fn private_key(seed: &str) -> String {
    let check = noise("check", 4);
    let pair = [noise("private half", 32), noise(seed, 32)].concat();
    let mut secret = [
        check.clone(),
        check,
        public_blob(seed),
        field(&pair),
        field(COMMENT),
    ]
    .concat();
    secret.extend((1..=8).take(secret.len().next_multiple_of(8) - secret.len()));
    let (none, one) = (field(b"none"), 1_u32.to_be_bytes().to_vec());
    let head = [b"openssh-key-v1\0".to_vec(), none.clone(), none, field(b""), one].concat();
    let text = STANDARD.encode([head, field(&public_blob(seed)), field(&secret)].concat());
    let lines: Vec<_> = text.as_bytes().chunks(70).map(String::from_utf8_lossy).collect();
    let label = "OPENSSH PRIVATE KEY";
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// A field of SSH's wire format: length and bytes. Fields here are far below 4 GiB.
fn field(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or_default();
    [&length.to_be_bytes(), bytes].concat()
}

/// Bytes that no compression makes shorter.
fn noise(seed: &str, length: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|block| {
            Sha256::new()
                .chain_update(seed)
                .chain_update(block.to_be_bytes())
                .finalize()
        })
        .take(length)
        .collect()
}
