//! What a registry makes of a key: its tag and digest (RFC 4034 appendix B, RFC 4509).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::registry::DsData;

/// SHA-256.
const DIGEST_TYPE: u8 = 2;

/// None if the key is not base64.
pub(super) fn ds_of(domain: &str, flags: u16, algorithm: u8, public_key: &str) -> Option<DsData> {
    let key = STANDARD.decode(public_key).ok().filter(|key| !key.is_empty())?;
    let [high, low] = flags.to_be_bytes();
    let data = [&[high, low, 3, algorithm], &key[..]].concat();
    let mut owner = Vec::new();
    for label in domain.split('.') {
        owner.push(u8::try_from(label.len()).ok()?);
        owner.extend_from_slice(label.to_ascii_lowercase().as_bytes());
    }
    owner.push(0);
    Some(DsData {
        key_tag: key_tag(&data),
        algorithm,
        digest_type: DIGEST_TYPE,
        digest: hex::encode(Sha256::digest([owner, data].concat())),
        key: Some((flags, public_key.to_owned())),
    })
}

fn key_tag(data: &[u8]) -> u16 {
    let sum = data.iter().enumerate().fold(0_u32, |sum, (index, byte)| {
        let shift = if index % 2 == 0 { 8 } else { 0 };
        sum.wrapping_add(u32::from(*byte) << shift)
    });
    let folded = sum.wrapping_add(sum >> 16) & 0xffff;
    u16::try_from(folded).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::ds_of;

    #[test]
    fn the_example_of_rfc_6605() {
        let key = "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==";
        let ds = ds_of("example.net", 257, 13, key).unwrap();
        assert_eq!(ds.key_tag, 55648);
        assert_eq!(
            ds.digest,
            "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"
        );
    }
}
