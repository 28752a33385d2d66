//! Signatures in the form of cosign, by a key that lies still: ECDSA P-256, no transparency log, no clock, no network.
//!
//! The signature of a manifest is an artifact of its own in the same repository, tagged `sha256-<hex>.sig`. Each of its
//! layers is a "simple signing" document that names the signed digest, signed in the annotation
//! `dev.cosignproject.cosign/signature`. Flux takes the public key as a Secret with a key `cosign.pub`.
//!
//! Flux 2.9 (source-controller with cosign 3) looks for bundles among the referrers first and takes this form when there
//! are none. It asks whether the document at that tag was signed by the key, and not whether it names the digest. So pin
//! sources by digest as well; [`verify`] does compare the digest.

mod key;
mod payload;

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use oci_spec::image::{Descriptor, ImageManifest};
use thiserror::Error;

use crate::artifact::{Artifact, described, plain_config};
use crate::digest::Digest;
use crate::layout::{Layout, LayoutError, Manifest};
use crate::name::{Repository, Tag, Target, Version};

pub use self::key::{PublicKey, SigningKey};

/// Media type of a simple signing document.
const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// The annotation that holds the signature in Base64.
const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
/// Media type of a config.
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
/// Largest document, in bytes.
const MAX_PAYLOAD: u64 = 64 * 1024;

/// Why something is not signed. Never holds a key.
#[derive(Debug, Error)]
pub enum SignatureError {
    /// The layout.
    #[error(transparent)]
    Layout(#[from] LayoutError),
    /// Nobody signed it.
    #[error("`{0}` is not signed")]
    Unsigned(Target),
    /// Nobody with this key signed it.
    #[error("`{0}` has {1} signatures, none by the key that is trusted")]
    Untrusted(Target, usize),
    /// The text is no key.
    #[error("the {kind} key cannot be read: {why}")]
    Key {
        /// `public` or `private`.
        kind: &'static str,
        /// Why; never a part of it.
        why: String,
    },
}

impl SignatureError {
    /// What to do next.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Layout(error) => error.remedy(),
            Self::Unsigned(_) => "sign it, or take it from where it is signed",
            Self::Untrusted(..) => "do not use it, unless its signer's key is to be trusted",
            Self::Key { .. } => "give an ECDSA P-256 key in PEM: PKCS #8 if private, SPKI if public",
        }
    }
}

/// Signs a manifest of a layout. `claimed` is what the document calls the repository, such as `registry.example/kit`;
/// cosign and Flux do not compare it. Signing again with the same key changes nothing.
pub fn sign(
    layout: &Layout,
    repository: &Repository,
    digest: Digest,
    claimed: &str,
    key: &SigningKey,
) -> Result<(), SignatureError> {
    let target = Target::digest(repository, digest);
    layout.resolve(&target)?;
    let mut layers = signatures(layout, repository, digest)?;
    if layers
        .iter()
        .any(|(layer, payload)| is_by(&key.public(), digest, layer, payload))
    {
        return Ok(());
    }
    let payload = payload::of(claimed, digest);
    let mut layer = described(PAYLOAD, &payload);
    let signature = STANDARD.encode(key.sign(&payload));
    layer.set_annotations(Some(HashMap::from([(SIGNATURE.to_owned(), signature)])));
    layers.push((layer, payload));
    let digests: Vec<_> = layers.iter().map(|(_, payload)| Digest::of(payload)).collect();
    let artifact = Artifact::new((CONFIG, plain_config(&digests)), layers, []);
    artifact.put(layout, repository, &Tag::of_signatures(digest))?;
    Ok(())
}

/// Whether a manifest was signed by a key, and the document names it.
pub fn verify(
    layout: &Layout,
    repository: &Repository,
    digest: Digest,
    key: &PublicKey,
) -> Result<(), SignatureError> {
    let layers = signatures(layout, repository, digest)?;
    let target = || Target::digest(repository, digest);
    if layers.is_empty() {
        return Err(SignatureError::Unsigned(target()));
    }
    if layers
        .iter()
        .any(|(layer, payload)| is_by(key, digest, layer, payload))
    {
        Ok(())
    } else {
        Err(SignatureError::Untrusted(target(), layers.len()))
    }
}

/// The signatures of a manifest: their descriptors and documents.
fn signatures(
    layout: &Layout,
    repository: &Repository,
    digest: Digest,
) -> Result<Vec<(Descriptor, Vec<u8>)>, SignatureError> {
    let catalog = layout.catalog()?;
    let version = Version::Tag(Tag::of_signatures(digest));
    let found = catalog
        .stock(repository)
        .and_then(|stock| stock.resolve(&version));
    let Some(at) = found.and_then(|found| Digest::try_from(found.digest()).ok()) else {
        return Ok(Vec::new());
    };
    let Manifest::Image { manifest, .. } = layout.manifest(at)? else {
        return Ok(Vec::new());
    };
    documents(layout, &manifest)
}

fn documents(
    layout: &Layout,
    manifest: &ImageManifest,
) -> Result<Vec<(Descriptor, Vec<u8>)>, SignatureError> {
    let layers = manifest
        .layers()
        .iter()
        .filter(|layer| layer.media_type().as_ref() == PAYLOAD);
    let read = |layer: &Descriptor| {
        let digest = Digest::try_from(layer.digest()).ok()?;
        Some(
            layout
                .read_blob(digest, MAX_PAYLOAD)
                .map(|payload| (layer.clone(), payload)),
        )
    };
    Ok(layers.filter_map(read).collect::<Result<_, _>>()?)
}

fn is_by(key: &PublicKey, digest: Digest, layer: &Descriptor, payload: &[u8]) -> bool {
    let annotations = layer.annotations().as_ref();
    let signature = annotations.and_then(|all| STANDARD.decode(all.get(SIGNATURE)?).ok());
    signature.is_some_and(|signature| key.signed(payload, &signature)) && payload::names(payload, digest)
}

#[cfg(test)]
mod tests;
