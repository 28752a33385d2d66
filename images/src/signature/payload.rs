//! The "simple signing" document that is signed (containers/image, `docs/containers-signature.5.md`).

use serde_json::{Value, json};

use crate::canonical;
use crate::digest::Digest;

/// What every such document says it is.
const TYPE: &str = "cosign container image signature";

pub(super) fn of(claimed: &str, digest: Digest) -> Vec<u8> {
    canonical::json(&json!({
        "critical": {
            "identity": {"docker-reference": claimed},
            "image": {"docker-manifest-digest": digest},
            "type": TYPE,
        },
        "optional": null,
    }))
}

/// Whether a document is about a digest.
pub(super) fn names(document: &[u8], digest: Digest) -> bool {
    let Ok(document) = serde_json::from_slice::<Value>(document) else {
        return false;
    };
    let critical = &document["critical"];
    critical["type"] == TYPE && critical["image"]["docker-manifest-digest"] == digest.to_string()
}
