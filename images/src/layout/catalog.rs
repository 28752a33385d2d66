//! All that a layout holds, by repository, read once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use oci_spec::image::{Descriptor, MediaType};

use crate::digest::Digest;
use crate::name::{Repository, Tag, Version};

use super::index::name_of;
use super::verify::Problem;
use super::{Layout, LayoutError, Manifest};

/// What a layout holds. What cannot be read is a problem of its own and does not hide the rest.
#[derive(Debug, Default)]
pub struct Catalog {
    stocks: BTreeMap<Repository, Stock>,
    pub(super) problems: Vec<Problem>,
}

/// What one repository holds.
#[derive(Debug, Default)]
pub struct Stock {
    tags: BTreeMap<Tag, Digest>,
    manifests: HashMap<Digest, Descriptor>,
    blobs: HashMap<Digest, u64>,
    referrers: HashMap<Digest, Vec<Descriptor>>,
}

impl Stock {
    /// The manifest of a tag or digest.
    pub fn resolve(&self, version: &Version) -> Option<&Descriptor> {
        let digest = match version {
            Version::Tag(tag) => self.tags.get(tag)?,
            Version::Digest(digest) => digest,
        };
        self.manifests.get(digest)
    }

    /// Its tags, in order.
    pub fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.tags.keys()
    }

    /// The digests of its manifests.
    pub fn manifests(&self) -> impl Iterator<Item = Digest> {
        self.manifests.keys().copied()
    }

    /// The size of a blob of one of its manifests, in bytes.
    pub fn blob(&self, digest: Digest) -> Option<u64> {
        let manifest = || self.manifests.get(&digest).map(Descriptor::size);
        self.blobs.get(&digest).copied().or_else(manifest)
    }

    /// The manifests that have another one as their subject, in the order of their digests.
    pub fn referrers(&self, subject: Digest) -> &[Descriptor] {
        self.referrers.get(&subject).map_or(&[], Vec::as_slice)
    }
}

impl Catalog {
    /// The repositories, in order.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.stocks.keys()
    }

    /// What a repository holds.
    pub fn stock(&self, repository: &Repository) -> Option<&Stock> {
        self.stocks.get(repository)
    }

    /// What is not as it should be.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Every blob that something named needs, manifests among them.
    pub(crate) fn needed(&self) -> BTreeSet<Digest> {
        let of = |stock: &Stock| {
            stock
                .manifests
                .keys()
                .chain(stock.blobs.keys())
                .copied()
                .collect::<Vec<_>>()
        };
        self.stocks.values().flat_map(of).collect()
    }

    /// A repository that needs a blob.
    pub(super) fn needed_by(&self, digest: Digest) -> Option<&Repository> {
        let mut stocks = self.stocks.iter();
        stocks
            .find(|(_, stock)| stock.blob(digest).is_some())
            .map(|(repository, _)| repository)
    }

    pub(super) fn read(layout: &Layout) -> Result<Self, LayoutError> {
        let mut catalog = Self::default();
        for entry in layout.index()? {
            let Ok(digest) = Digest::try_from(entry.digest()) else {
                catalog
                    .problems
                    .push(Problem::Nameless(entry.digest().to_string()));
                continue;
            };
            let Some(target) = name_of(&entry) else {
                catalog.problems.push(Problem::Nameless(digest.to_string()));
                continue;
            };
            let mut walk = Walk {
                layout,
                named: target.to_string(),
                stock: catalog.stocks.entry(target.repository).or_default(),
                problems: &mut catalog.problems,
            };
            if let Version::Tag(tag) = target.version {
                walk.stock.tags.insert(tag, digest);
            }
            walk.manifest(digest, entry.size(), entry.media_type().clone());
        }
        for stock in catalog.stocks.values_mut() {
            for referrers in stock.referrers.values_mut() {
                referrers.sort_by_cached_key(|descriptor| descriptor.digest().to_string());
            }
        }
        Ok(catalog)
    }
}

/// From one named manifest to all that it needs.
struct Walk<'a> {
    layout: &'a Layout,
    named: String,
    stock: &'a mut Stock,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn manifest(&mut self, digest: Digest, size: u64, media_type: MediaType) {
        if self.stock.manifests.contains_key(&digest) {
            return;
        }
        let mut descriptor = Descriptor::new(media_type, size, digest);
        self.stock.manifests.insert(digest, descriptor.clone());
        let manifest = match self
            .layout
            .expect_blob(digest, size)
            .and_then(|()| self.layout.manifest(digest))
        {
            Ok(manifest) => manifest,
            Err(error) => return self.problem(&error),
        };
        if let Some(subject) = manifest.subject() {
            descriptor.set_artifact_type(manifest.artifact_type().cloned());
            descriptor.set_annotations(manifest.annotations().cloned());
            self.stock.referrers.entry(subject).or_default().push(descriptor);
        }
        match manifest {
            Manifest::Image { blobs, .. } => self.blobs(blobs),
            Manifest::Index { index, children, .. } => {
                for (child, (digest, size)) in index.manifests().iter().zip(children) {
                    // A copy for some platforms holds the manifests of those alone.
                    if self.layout.blob_path(digest).exists() {
                        self.manifest(digest, size, child.media_type().clone());
                    }
                }
            }
        }
    }

    fn blobs(&mut self, blobs: Vec<(Digest, u64)>) {
        for (digest, size) in blobs {
            if self.stock.blobs.insert(digest, size).is_none()
                && let Err(error) = self.layout.expect_blob(digest, size)
            {
                self.problem(&error);
            }
        }
    }

    fn problem(&mut self, error: &LayoutError) {
        self.problems.push(Problem::of(error, &self.named));
    }
}
