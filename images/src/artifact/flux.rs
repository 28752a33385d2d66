//! Artifacts that a Flux `OCIRepository` fetches.

use crate::digest::Digest;

use super::{Artifact, ArtifactError, Files, described, media, plain_config, tarball};

/// Where the content of an artifact comes from. Flux shows it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// Of what it was made, a URL: `org.opencontainers.image.source`.
    pub source: String,
    /// Which state of it, such as `1.2.3@sha256:...`: `org.opencontainers.image.revision`.
    pub revision: String,
    /// When, RFC 3339: `org.opencontainers.image.created`. It is a part of the digest; leave it out where you can.
    pub created: Option<String>,
}

impl Origin {
    fn annotations(&self) -> impl Iterator<Item = (String, String)> {
        let parts = [
            ("source", Some(&self.source)),
            ("revision", Some(&self.revision)),
            ("created", self.created.as_ref()),
        ];
        parts.into_iter().filter_map(|(name, value)| {
            let value = value.filter(|value| !value.is_empty())?;
            Some((format!("org.opencontainers.image.{name}"), value.clone()))
        })
    }
}

/// A Flux artifact of files.
pub fn flux(files: &Files, origin: &Origin) -> Result<Artifact, ArtifactError> {
    let (content, plain): (Vec<u8>, Digest) = tarball::write(files)?;
    let layer = (described(media::FLUX_CONTENT, &content), content);
    let config = (media::FLUX_CONFIG, plain_config(&[plain]));
    Ok(Artifact::new(config, vec![layer], origin.annotations()))
}
