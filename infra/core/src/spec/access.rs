//! Who may reach the machines.

use std::str::FromStr as _;

use ipnet::IpNet;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, PublicKey};

use super::Access;
use super::reader::{At, Reader, all};
use crate::finding::Severity;

/// RSA keys shorter than this are refused, in bits.
const RSA_LEAST: usize = 2048;
/// RSA keys shorter than this draw a warning, in bits.
const RSA_ADVISED: usize = 3072;

pub(super) fn access(reader: &mut Reader, root: &At<'_>) -> Option<Access> {
    let at = reader.need(root, "access", "{sshKeys: [ssh-ed25519 AAAA...]}")?;
    reader.keys(&at, &["sshKeys", "adminCidrs"])?;
    let keys = reader
        .need(&at, "sshKeys", "[ssh-ed25519 AAAA...]")
        .and_then(|at| ssh_keys(reader, &at));
    let cidrs = match at.get("adminCidrs") {
        Some(at) => admin_cidrs(reader, &at),
        None => Some(Vec::new()),
    };
    if at.get("adminCidrs").is_none() {
        reader.say(
            Severity::Note,
            &at,
            "access.closed",
            "no `adminCidrs`: ports 22 and 6443 stay closed to the world",
            "add your own range if you want to reach them",
        );
    }
    Some(Access {
        ssh_keys: keys?,
        admin_cidrs: cidrs?,
    })
}

fn ssh_keys(reader: &mut Reader, at: &At<'_>) -> Option<Vec<String>> {
    let items = reader.list(at)?;
    if items.is_empty() {
        reader.error(
            at,
            "ssh_key.none",
            "there is no SSH key",
            "add the public key of whoever must get in when all else fails",
        );
        return None;
    }
    let keys: Vec<(At<'_>, PublicKey)> = all(items
        .iter()
        .map(|item| ssh_key(reader, item).map(|key| (item.clone(), key))))?;
    for (index, (at, key)) in keys.iter().enumerate() {
        if keys[..index]
            .iter()
            .any(|(_, earlier)| earlier.key_data() == key.key_data())
        {
            reader.error(
                at,
                "ssh_key.twice",
                "this SSH key is in the list already",
                "remove one of the two",
            );
        }
    }
    all(keys.into_iter().map(|(_, key)| key.to_openssh().ok()))
}

fn ssh_key(reader: &mut Reader, at: &At<'_>) -> Option<PublicKey> {
    let text = reader.text(at)?.trim();
    if text.contains("PRIVATE KEY") {
        reader.error(
            at,
            "ssh_key.secret",
            "this is a private key",
            "write the public key, the file that ends in `.pub`, and replace the private one",
        );
        return None;
    }
    let key = match PublicKey::from_str(text) {
        Ok(key) => key,
        Err(error) => {
            let remedy =
                "paste the whole line of the `.pub` file: `type base64 comment`, without options before it";
            reader.error(
                at,
                "ssh_key",
                format!("this is not an SSH public key: {error}"),
                remedy,
            );
            return None;
        }
    };
    match key.key_data() {
        KeyData::Dsa(_) => {
            reader.error(
                at,
                "ssh_key.dsa",
                "DSA keys are broken and no longer accepted by servers",
                "make an ed25519 key: `ssh-keygen -t ed25519`",
            );
            return None;
        }
        KeyData::Rsa(rsa) => {
            let bits = rsa.n.as_positive_bytes().map_or(0, |n| n.len() * 8);
            if bits < RSA_LEAST {
                reader.error(
                    at,
                    "ssh_key.short",
                    format!("this RSA key has {bits} bits"),
                    "make an ed25519 key: `ssh-keygen -t ed25519`",
                );
                return None;
            }
            if bits < RSA_ADVISED {
                reader.say(
                    Severity::Warning,
                    at,
                    "ssh_key.rsa",
                    format!("this RSA key has {bits} bits; {RSA_ADVISED} are advised"),
                    "prefer an ed25519 key",
                );
            }
        }
        KeyData::Other(_) => {
            let name = key.algorithm();
            reader.error(
                at,
                "ssh_key.kind",
                format!("keys of type `{}` are not supported", kind(&name)),
                "use ed25519, ecdsa, rsa or an sk- key",
            );
            return None;
        }
        _ => {}
    }
    Some(key)
}

fn kind(algorithm: &Algorithm) -> String {
    algorithm.as_str().to_owned()
}

fn admin_cidrs(reader: &mut Reader, at: &At<'_>) -> Option<Vec<IpNet>> {
    let items = reader.list(at)?;
    all(items.iter().map(|item| {
        let range: IpNet = reader.value(
            item,
            "a range of addresses",
            "write it as `203.0.113.0/24` or `2001:db8::/32`",
        )?;
        if range.trunc() != range {
            reader.error(
                item,
                "cidr.host_bits",
                format!("`{range}` has bits set behind the prefix"),
                format!("write `{}`", range.trunc()),
            );
            return None;
        }
        if range.prefix_len() == 0 {
            reader.say(
                Severity::Warning,
                item,
                "cidr.world",
                format!("`{range}` opens ports 22 and 6443 to the whole world"),
                "name the range you come from",
            );
        }
        Some(range)
    }))
}
