//! One manifest from a registry.

use oci_spec::image::MediaType;
use reqwest::{Response, header};

use crate::digest::Digest;
use crate::layout::{MAX_MANIFEST, Manifest};
use crate::name::Version;
use crate::reference::Reference;

use super::{Client, PullError, call};

/// The kinds of manifests that are taken.
const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.docker.distribution.manifest.list.v2+json";

/// A manifest as it came.
#[derive(Debug)]
pub(super) struct Pulled {
    pub(super) digest: Digest,
    pub(super) media_type: MediaType,
    pub(super) bytes: Vec<u8>,
    pub(super) manifest: Manifest,
}

impl Client {
    pub(super) async fn fetch_manifest(
        &self,
        reference: &Reference,
        version: &Version,
    ) -> Result<Pulled, PullError> {
        let rest = format!("manifests/{version}");
        let response = self
            .get(reference, &rest, |request| request.header(header::ACCEPT, ACCEPT))
            .await?;
        let header = |name: &str| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let content_type = header("content-type").unwrap_or_default();
        let said = header("docker-content-digest").and_then(|digest| digest.parse().ok());
        let bytes = bounded(reference, response).await?;
        let digest = Digest::of(&bytes);
        let wanted = match version {
            Version::Digest(digest) => Some(*digest),
            Version::Tag(_) => said,
        };
        if let Some(wanted) = wanted.filter(|wanted| *wanted != digest) {
            return Err(PullError::OtherDigest {
                reference: reference.to_string(),
                wanted,
                found: digest,
            });
        }
        let manifest =
            Manifest::read(digest, &bytes).map_err(|why| PullError::bad_answer(reference, &why))?;
        let content_type = content_type.split(';').next().unwrap_or_default().trim();
        Ok(Pulled {
            digest,
            media_type: manifest
                .media_type()
                .cloned()
                .unwrap_or_else(|| MediaType::from(content_type)),
            bytes,
            manifest,
        })
    }
}

/// A manifest's bytes; not more than a manifest may have.
async fn bounded(reference: &Reference, mut response: Response) -> Result<Vec<u8>, PullError> {
    let mut bytes = Vec::new();
    let broken = |error: reqwest::Error| call::unreachable(reference.host(), &error);
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > MAX_MANIFEST {
            let why = format!("its manifest has more than {MAX_MANIFEST} bytes");
            return Err(PullError::bad_answer(reference, &why));
        }
    }
    Ok(bytes)
}
