//! Artifacts: what Flux and Helm fetch from a registry, made and read back.
//!
//! The same input makes the same bytes, and so the same digest, on every machine and at any time.

mod chart;
mod error;
mod files;
mod flux;
mod tarball;

use oci_spec::image::{Descriptor, ImageManifestBuilder, MediaType};

use crate::canonical;
use crate::digest::Digest;
use crate::layout::{Layout, LayoutError, Manifest};
use crate::name::{Repository, Tag};

pub use self::chart::{Chart, chart, package};
pub use self::error::ArtifactError;
pub use self::files::{Files, from_folder};
pub use self::flux::{Origin, flux};
pub use self::tarball::Limits;
pub(crate) use self::tarball::header;

/// Media types of what Flux and Helm fetch.
pub mod media {
    /// Config of a Flux artifact.
    pub const FLUX_CONFIG: &str = "application/vnd.cncf.flux.config.v1+json";
    /// Content of a Flux artifact.
    pub const FLUX_CONTENT: &str = "application/vnd.cncf.flux.content.v1.tar+gzip";
    /// Config of a Helm chart: its `Chart.yaml` as JSON.
    pub const HELM_CONFIG: &str = "application/vnd.cncf.helm.config.v1+json";
    /// A packaged Helm chart.
    pub const HELM_CONTENT: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";
}

/// Largest content that is unpacked, in bytes as it is stored.
const MAX_CONTENT: u64 = 64 * 1024 * 1024;

/// An artifact in memory: a manifest and the blobs that it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    manifest: Vec<u8>,
    blobs: Vec<Vec<u8>>,
}

impl Artifact {
    /// Of a config and layers, each with the media type and the annotations that its descriptor shall have.
    #[expect(clippy::expect_used, reason = "the builder wants what it was given")]
    pub(crate) fn new(
        config: (&str, Vec<u8>),
        layers: Vec<(Descriptor, Vec<u8>)>,
        annotations: impl IntoIterator<Item = (String, String)>,
    ) -> Self {
        let (descriptors, mut blobs): (Vec<_>, Vec<_>) = layers.into_iter().unzip();
        let annotations: std::collections::HashMap<_, _> = annotations.into_iter().collect();
        let mut manifest = ImageManifestBuilder::default()
            .schema_version(2_u32)
            .media_type(MediaType::ImageManifest)
            .config(described(config.0, &config.1))
            .layers(descriptors)
            .build()
            .expect("all that has to be there is");
        manifest.set_annotations(Some(annotations).filter(|all| !all.is_empty()));
        blobs.insert(0, config.1);
        Self {
            manifest: canonical::json(&manifest),
            blobs,
        }
    }

    /// The digest of its manifest.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }

    /// Puts it into a layout, under a name.
    pub fn put(
        &self,
        layout: &Layout,
        repository: &Repository,
        tag: &Tag,
    ) -> Result<Descriptor, LayoutError> {
        for blob in &self.blobs {
            layout.put_bytes(blob)?;
        }
        layout.put_manifest(repository, Some(tag), &MediaType::ImageManifest, &self.manifest)
    }
}

pub(crate) fn described(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(MediaType::from(media_type), bytes.len() as u64, Digest::of(bytes))
}

/// The config of an artifact that is no image, in the form that tools for images read.
pub(crate) fn plain_config(layers: &[Digest]) -> Vec<u8> {
    canonical::json(&serde_json::json!({
        "architecture": "",
        "config": {},
        "os": "",
        "rootfs": {"type": "layers", "diff_ids": layers},
    }))
}

/// The files of a Flux artifact or a Helm chart in a layout, by the digest of its manifest.
pub fn unpack(layout: &Layout, manifest: Digest, limits: &Limits) -> Result<Files, ArtifactError> {
    tarball::read(&content(layout, manifest)?, limits)
}

/// What [`unpack`] unpacks, as it is packed: of a chart, its `.tgz`.
pub fn content(layout: &Layout, manifest: Digest) -> Result<Vec<u8>, ArtifactError> {
    let Manifest::Image { manifest: read, .. } = layout.manifest(manifest)? else {
        return Err(ArtifactError::NoContent { manifest });
    };
    let content = |layer: &&Descriptor| {
        matches!(
            layer.media_type().as_ref(),
            media::FLUX_CONTENT | media::HELM_CONTENT
        )
    };
    let layer = read
        .layers()
        .iter()
        .find(content)
        .ok_or(ArtifactError::NoContent { manifest })?;
    let digest = Digest::try_from(layer.digest()).map_err(|_| ArtifactError::NoContent { manifest })?;
    Ok(layout.read_blob(digest, MAX_CONTENT)?)
}

#[cfg(test)]
mod tests;
