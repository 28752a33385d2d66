//! What a manifest says of others: the blobs it needs, its subject, its kind.

use std::collections::HashMap;

use oci_spec::image::{Descriptor, ImageIndex, ImageManifest, MediaType};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::digest::Digest;

use super::LayoutError;

/// Largest manifest, in bytes. The distribution specification asks registries to take at least this.
pub const MAX_MANIFEST: u64 = 4 * 1024 * 1024;

/// A manifest, in OCI's form or the older one of Docker.
#[derive(Debug, Clone, PartialEq)]
pub enum Manifest {
    /// Of an image or another artifact.
    Image {
        /// As it is written.
        manifest: Box<ImageManifest>,
        /// Digest and size of its config and its layers.
        blobs: Vec<(Digest, u64)>,
        /// What it refers to.
        subject: Option<Digest>,
    },
    /// Of several manifests, such as one for each platform. They need not all be there.
    Index {
        /// As it is written.
        index: Box<ImageIndex>,
        /// Digest and size of its manifests.
        children: Vec<(Digest, u64)>,
        /// What it refers to.
        subject: Option<Digest>,
    },
}

/// What tells one kind from the other.
#[derive(Deserialize)]
struct Keys {
    manifests: Option<IgnoredAny>,
    layers: Option<IgnoredAny>,
}

impl Manifest {
    /// Reads a manifest. One that could be read as both kinds is refused (CVE-2021-41190).
    pub fn read(digest: Digest, bytes: &[u8]) -> Result<Self, LayoutError> {
        let bad = |why: String| LayoutError::BadManifest { digest, why };
        let limit = MAX_MANIFEST;
        if bytes.len() as u64 > limit {
            let bytes = bytes.len() as u64;
            return Err(LayoutError::TooLarge { digest, bytes, limit });
        }
        let Keys { manifests, layers } = parse(bytes).map_err(bad)?;
        match (manifests.is_some(), layers.is_some()) {
            (true, false) => {
                let index: Box<ImageIndex> = parse(bytes).map_err(bad)?;
                Ok(Self::Index {
                    children: named(index.manifests()).map_err(bad)?,
                    subject: subject(index.subject().as_ref()).map_err(bad)?,
                    index,
                })
            }
            (false, true) => {
                let manifest: Box<ImageManifest> = parse(bytes).map_err(bad)?;
                let all = std::iter::once(manifest.config()).chain(manifest.layers());
                Ok(Self::Image {
                    blobs: named(all).map_err(bad)?,
                    subject: subject(manifest.subject().as_ref()).map_err(bad)?,
                    manifest,
                })
            }
            (false, false) => Err(bad("it has neither `layers` nor `manifests`".to_owned())),
            (true, true) => Err(bad("it has both `layers` and `manifests`".to_owned())),
        }
    }

    /// The media type that it says it has.
    pub fn media_type(&self) -> Option<&MediaType> {
        match self {
            Self::Image { manifest, .. } => manifest.media_type().as_ref(),
            Self::Index { index, .. } => index.media_type().as_ref(),
        }
    }

    /// What it refers to.
    pub fn subject(&self) -> Option<Digest> {
        match self {
            Self::Image { subject, .. } | Self::Index { subject, .. } => *subject,
        }
    }

    /// Its kind: what it says itself, or else the media type of its config.
    pub fn artifact_type(&self) -> Option<&MediaType> {
        match self {
            Self::Image { manifest, .. } => {
                let said = manifest.artifact_type().as_ref();
                said.or_else(|| Some(manifest.config().media_type()))
            }
            Self::Index { index, .. } => index.artifact_type().as_ref(),
        }
    }

    /// Its annotations.
    pub fn annotations(&self) -> Option<&HashMap<String, String>> {
        match self {
            Self::Image { manifest, .. } => manifest.annotations().as_ref(),
            Self::Index { index, .. } => index.annotations().as_ref(),
        }
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| error.to_string())
}

fn named<'a>(descriptors: impl IntoIterator<Item = &'a Descriptor>) -> Result<Vec<(Digest, u64)>, String> {
    let one = |descriptor: &Descriptor| {
        let digest = Digest::try_from(descriptor.digest()).map_err(|error| error.to_string())?;
        Ok((digest, descriptor.size()))
    };
    descriptors.into_iter().map(one).collect()
}

fn subject(descriptor: Option<&Descriptor>) -> Result<Option<Digest>, String> {
    let read = descriptor.map(|descriptor| Digest::try_from(descriptor.digest()));
    read.transpose().map_err(|error| error.to_string())
}
