//! An OCI image layout on disk: where a Sovereign's artifacts are kept, packed and served from.
//!
//! ```text
//! oci-layout  index.json  blobs/sha256/<hex>  .sovereign/{writing/, index.lock, sweep.lock}
//! ```
//!
//! Each entry of `index.json` has the annotation `org.opencontainers.image.ref.name`: `repository:tag`, or
//! `repository@digest` for a manifest without a tag. Other tools write only a tag there; such an entry belongs to no
//! repository and counts as a problem.
//!
//! - Files appear whole or not at all: written beside, synced, renamed. Power may fail at any moment.
//! - A manifest is taken only when what it names is there. Of an index at least one manifest has to be.
//! - Any number of processes may read while others write. Readers never lock, so a layout on a read-only medium will do.
//! - [`Layout::sweep`] waits for writers and writers wait for it; but blobs whose manifest is still to come are gone after
//!   it, and the manifest is then refused.
//!
//! Everything here blocks.

mod blobs;
mod catalog;
mod error;
mod index;
mod manifest;
mod pending;
mod sweep;
mod verify;

use std::fs;
use std::path::{Path, PathBuf};

use oci_spec::image::{Descriptor, MediaType};

use crate::digest::Digest;
use crate::name::{Repository, Tag, Target};

pub use self::catalog::{Catalog, Stock};
pub use self::error::LayoutError;
pub use self::manifest::{MAX_MANIFEST, Manifest};
pub use self::sweep::Swept;
pub use self::verify::{Problem, Report};

/// What `oci-layout` says.
const VERSION: &str = r#"{"imageLayoutVersion":"1.0.0"}"#;

/// An OCI image layout, see the [module](self).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// Opens the layout in a folder, and makes it first if there is none.
    pub fn create(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: root.into() };
        if layout.root.join("oci-layout").exists() {
            return Self::open(layout.root);
        }
        for folder in [layout.blobs_folder(), layout.writing_folder()] {
            fs::create_dir_all(&folder).map_err(LayoutError::io("make", &folder))?;
        }
        let _turn = layout.index_lock()?;
        if !layout.index_file().exists() {
            layout.write_index(Vec::new())?;
        }
        // Last, because it is what makes the folder a layout.
        layout.write_file(&layout.root.join("oci-layout"), VERSION.as_bytes())?;
        Ok(layout)
    }

    /// Opens the layout in a folder.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, LayoutError> {
        let layout = Self { root: root.into() };
        let bad = |why: String| LayoutError::NotALayout {
            path: layout.root.clone(),
            why,
        };
        let text = fs::read(layout.root.join("oci-layout")).map_err(|e| bad(format!("`oci-layout`: {e}")))?;
        let said: serde_json::Value =
            serde_json::from_slice(&text).map_err(|e| bad(format!("`oci-layout`: {e}")))?;
        let version = said["imageLayoutVersion"].as_str().unwrap_or_default();
        if !version.starts_with("1.") {
            return Err(bad(format!("its version is `{version}`, not 1.0.0")));
        }
        layout.index()?;
        Ok(layout)
    }

    /// Its folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Puts a manifest under a name, in place of one that had the tag. The blobs it names have to be there.
    pub fn put_manifest(
        &self,
        repository: &Repository,
        tag: Option<&Tag>,
        media_type: &MediaType,
        bytes: &[u8],
    ) -> Result<Descriptor, LayoutError> {
        let _here = self.writers_lock()?;
        let manifest = Manifest::read(Digest::of(bytes), bytes)?;
        self.complete(&manifest)?;
        let (digest, size) = self.put_bytes(bytes)?;
        let target = match tag {
            Some(tag) => Target::tag(repository, tag),
            None => Target::digest(repository, digest),
        };
        let mut entry = Descriptor::new(media_type.clone(), size, digest);
        entry.set_artifact_type(manifest.artifact_type().cloned());
        self.enter(&target, entry.clone())?;
        Ok(entry)
    }

    /// Takes a name away, if it is there. What it named stays until [`Layout::sweep`].
    pub fn remove(&self, target: &Target) -> Result<(), LayoutError> {
        let _here = self.writers_lock()?;
        self.strike(target)
    }

    /// All there is, by repository.
    pub fn catalog(&self) -> Result<Catalog, LayoutError> {
        Catalog::read(self)
    }

    /// The manifest of a name.
    pub fn resolve(&self, target: &Target) -> Result<Descriptor, LayoutError> {
        let catalog = self.catalog()?;
        let stock = catalog.stock(&target.repository);
        let found = stock.and_then(|stock| stock.resolve(&target.version)).cloned();
        found.ok_or_else(|| LayoutError::Unknown {
            target: target.to_string(),
            path: self.root.clone(),
        })
    }

    /// The tags of a repository, in order.
    pub fn tags(&self, repository: &Repository) -> Result<Vec<Tag>, LayoutError> {
        let catalog = self.catalog()?;
        Ok(catalog
            .stock(repository)
            .map(|stock| stock.tags().cloned().collect())
            .unwrap_or_default())
    }

    /// The manifests of a repository that have another one as their subject, such as signatures and SBOMs.
    pub fn referrers(
        &self,
        repository: &Repository,
        subject: Digest,
    ) -> Result<Vec<Descriptor>, LayoutError> {
        let catalog = self.catalog()?;
        Ok(catalog
            .stock(repository)
            .map(|stock| stock.referrers(subject).to_vec())
            .unwrap_or_default())
    }

    /// The manifest with a digest, read and checked.
    pub fn manifest(&self, digest: Digest) -> Result<Manifest, LayoutError> {
        Manifest::read(digest, &self.read_blob(digest, MAX_MANIFEST)?)
    }

    /// Every blob that the manifest names is there in its size; of an index, at least one manifest is.
    fn complete(&self, manifest: &Manifest) -> Result<(), LayoutError> {
        match manifest {
            Manifest::Image { blobs, .. } => blobs
                .iter()
                .try_for_each(|(digest, size)| self.expect_blob(*digest, *size)),
            Manifest::Index { children, .. } => {
                let there = |(digest, size): &(Digest, u64)| self.expect_blob(*digest, *size);
                if children.is_empty() || children.iter().any(|child| there(child).is_ok()) {
                    return Ok(());
                }
                children.iter().try_for_each(there)
            }
        }
    }
}

#[cfg(test)]
mod tests;
