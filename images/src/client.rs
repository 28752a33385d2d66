//! Pulls from registries on the network into a layout: OCI distribution specification 1.1, and the tokens of Docker's.
//!
//! What is there already is not fetched again; what breaks off goes on where it broke. Nothing is kept that is not what its
//! digest says.

mod access;
mod blob;
pub(crate) mod call;
mod challenge;
mod error;
mod manifest;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use oci_spec::image::{Descriptor, ImageIndex};
use secrecy::SecretString;

use crate::digest::Digest;
use crate::layout::{Layout, LayoutError, Manifest};
use crate::name::{Repository, Tag, Target, Version};
use crate::reference::Reference;

use self::access::Access;
use self::manifest::Pulled;

pub use self::error::PullError;

/// Blobs at a time.
const AT_ONCE: usize = 4;
/// Indexes in indexes.
const DEEPEST: usize = 3;
/// Longest wait for a connection, and for the next bytes.
const CONNECT: Duration = Duration::from_secs(15);
const NEXT_BYTES: Duration = Duration::from_mins(1);

/// What an account at a registry is proven with.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Name of the account.
    pub user: String,
    /// Its password or token.
    pub password: SecretString,
}

/// A platform, such as `linux/amd64`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    /// Such as `linux`.
    pub os: String,
    /// Such as `amd64`.
    pub architecture: String,
}

/// How registries are reached.
#[derive(Debug, Clone)]
pub struct Options {
    /// CAs to trust beside the system's, in PEM.
    pub ca_pem: Option<String>,
    /// Accounts, by host as it is written in references.
    pub credentials: BTreeMap<String, Credentials>,
    /// Hosts that are spoken to without TLS.
    pub plain_http: BTreeSet<String>,
    /// Platforms to take of an index that has several; all if empty.
    pub platforms: Vec<Platform>,
    /// Largest blob, in bytes.
    pub largest_blob: u64,
}

impl Default for Options {
    /// Anonymous, over TLS, all platforms, blobs of 16 GiB at most.
    fn default() -> Self {
        Self {
            ca_pem: None,
            credentials: BTreeMap::new(),
            plain_http: BTreeSet::new(),
            platforms: Vec::new(),
            largest_blob: 16 * 1024 * 1024 * 1024,
        }
    }
}

/// How far a blob is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// The blob.
    pub digest: Digest,
    /// Bytes that are there; all of them at once if it was there already.
    pub done: u64,
    /// Bytes in all.
    pub total: u64,
}

/// Told of progress, a few times a second for each blob.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);

/// A client of registries.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    access: Access,
    options: Options,
}

impl Client {
    /// A client.
    pub fn new(options: Options) -> Result<Self, PullError> {
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("sovereign/", env!("CARGO_PKG_VERSION")))
            .https_only(options.plain_http.is_empty())
            .connect_timeout(CONNECT)
            .read_timeout(NEXT_BYTES);
        if let Some(pem) = &options.ca_pem {
            let certificates =
                reqwest::Certificate::from_pem_bundle(pem.as_bytes()).map_err(PullError::client)?;
            http = http.tls_certs_merge(certificates);
        }
        Ok(Self {
            http: http.build().map_err(PullError::client)?,
            access: Access::default(),
            options,
        })
    }

    /// The digest that a reference stands for now.
    pub async fn resolve(&self, reference: &Reference) -> Result<Digest, PullError> {
        Ok(self.fetch_manifest(reference, &reference.version()).await?.digest)
    }

    /// Pulls an artifact with all that it needs, and puts it into a layout under a name.
    pub async fn pull(
        &self,
        reference: &Reference,
        layout: &Layout,
        target: &Target,
        progress: OnProgress<'_>,
    ) -> Result<Descriptor, PullError> {
        let pulled = self.fetch_manifest(reference, &reference.version()).await?;
        self.needs(reference, layout, &pulled, progress, 0).await?;
        let tag = match &target.version {
            Version::Tag(tag) => Some(tag.clone()),
            Version::Digest(digest) if *digest == pulled.digest => None,
            Version::Digest(digest) => {
                return Err(PullError::OtherDigest {
                    reference: reference.to_string(),
                    wanted: *digest,
                    found: pulled.digest,
                });
            }
        };
        let (repository, layout) = (target.repository.clone(), layout.clone());
        blocking(move || layout.put_manifest(&repository, tag.as_ref(), &pulled.media_type, &pulled.bytes))
            .await
    }

    /// Pulls the signatures of a manifest that is in the layout, in cosign's form. Answers whether there are any.
    pub async fn pull_signatures(
        &self,
        reference: &Reference,
        digest: Digest,
        layout: &Layout,
        repository: &Repository,
    ) -> Result<bool, PullError> {
        let tag = Tag::of_signatures(digest);
        let pulled = match self.fetch_manifest(reference, &Version::Tag(tag.clone())).await {
            Err(PullError::NotFound { .. }) => return Ok(false),
            pulled => pulled?,
        };
        self.needs(reference, layout, &pulled, &|_| (), 0).await?;
        let (repository, layout) = (repository.clone(), layout.clone());
        blocking(move || layout.put_manifest(&repository, Some(&tag), &pulled.media_type, &pulled.bytes))
            .await?;
        Ok(true)
    }

    /// Pulls what a manifest needs.
    async fn needs(
        &self,
        reference: &Reference,
        layout: &Layout,
        pulled: &Pulled,
        progress: OnProgress<'_>,
        depth: usize,
    ) -> Result<(), PullError> {
        match &pulled.manifest {
            Manifest::Image { blobs, .. } => {
                stream::iter(blobs.iter().copied())
                    .map(|(digest, size)| self.fetch_blob(reference, layout, digest, size, progress))
                    .buffer_unordered(AT_ONCE)
                    .try_collect()
                    .await
            }
            Manifest::Index { index, children, .. } if depth < DEEPEST => {
                let children: Vec<Digest> = children.iter().map(|(digest, _)| *digest).collect();
                for child in self.wanted(reference, index, &children)? {
                    let pulled = self.fetch_manifest(reference, &Version::Digest(child)).await?;
                    Box::pin(self.needs(reference, layout, &pulled, progress, depth + 1)).await?;
                    let layout = layout.clone();
                    blocking(move || layout.put_bytes(&pulled.bytes)).await?;
                }
                Ok(())
            }
            Manifest::Index { .. } => Err(PullError::bad_answer(reference, &"its indexes never end")),
        }
    }

    /// The manifests of an index that are for our platforms.
    fn wanted(
        &self,
        reference: &Reference,
        index: &ImageIndex,
        children: &[Digest],
    ) -> Result<Vec<Digest>, PullError> {
        let fits = |descriptor: &Descriptor| {
            let Some(of) = descriptor.platform() else {
                return true;
            };
            let same = |ours: &Platform| {
                of.os().to_string() == ours.os && of.architecture().to_string() == ours.architecture
            };
            self.options.platforms.is_empty() || self.options.platforms.iter().any(same)
        };
        let pairs = index.manifests().iter().zip(children);
        let wanted: Vec<Digest> = pairs
            .filter(|(one, _)| fits(one))
            .map(|(_, digest)| *digest)
            .collect();
        if wanted.is_empty() && !children.is_empty() {
            return Err(PullError::NoPlatform {
                reference: reference.to_string(),
            });
        }
        Ok(wanted)
    }
}

/// Does what blocks elsewhere.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LayoutError> + Send + 'static,
) -> Result<T, PullError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(PullError::Layout),
        Err(_) => Err(PullError::Cancelled),
    }
}
