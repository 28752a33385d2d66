//! `index.json`: which manifest has which name.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;

use oci_spec::image::{Descriptor, ImageIndex, MediaType};

use crate::canonical;
use crate::name::Target;

use super::{Layout, LayoutError};

/// The annotation that holds a manifest's name.
pub(super) const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// The name of an entry; none if it has none that we can read.
pub(super) fn name_of(entry: &Descriptor) -> Option<Target> {
    entry.annotations().as_ref()?.get(REF_NAME)?.parse().ok()
}

impl Layout {
    pub(super) fn index_file(&self) -> PathBuf {
        self.root.join("index.json")
    }

    /// The entries of `index.json`.
    pub(super) fn index(&self) -> Result<Vec<Descriptor>, LayoutError> {
        let path = self.index_file();
        let bytes = fs::read(&path).map_err(LayoutError::io("read", &path))?;
        let index: ImageIndex = serde_json::from_slice(&bytes).map_err(|error| LayoutError::NotALayout {
            path: self.root.clone(),
            why: format!("`index.json`: {error}"),
        })?;
        Ok(index.manifests().clone())
    }

    pub(super) fn write_index(&self, mut entries: Vec<Descriptor>) -> Result<(), LayoutError> {
        entries.sort_by_cached_key(|entry| (name_of(entry), entry.digest().to_string()));
        let mut index = ImageIndex::default();
        index.set_schema_version(2);
        index.set_media_type(Some(MediaType::ImageIndex));
        index.set_manifests(entries);
        self.write_file(&self.index_file(), &canonical::json(&index))
    }

    /// Takes over `oci-layout` and `index.json` of another layout, whose blobs are here.
    pub(crate) fn take_over(self, version: &[u8], index: &[u8]) -> Result<Self, LayoutError> {
        let turn = self.index_lock()?;
        self.write_file(&self.index_file(), index)?;
        self.write_file(&self.root.join("oci-layout"), version)?;
        drop(turn);
        Self::open(self.root)
    }

    /// Gives a manifest a name, which it takes from whoever had it.
    pub(super) fn enter(&self, target: &Target, mut entry: Descriptor) -> Result<(), LayoutError> {
        entry.set_annotations(Some(HashMap::from([(REF_NAME.to_owned(), target.to_string())])));
        self.change(|entries| {
            entries.retain(|entry| name_of(entry).as_ref() != Some(target));
            entries.push(entry);
        })
    }

    /// Takes a name away.
    pub(super) fn strike(&self, target: &Target) -> Result<(), LayoutError> {
        self.change(|entries| entries.retain(|entry| name_of(entry).as_ref() != Some(target)))
    }

    fn change(&self, change: impl FnOnce(&mut Vec<Descriptor>)) -> Result<(), LayoutError> {
        let _turn = self.index_lock()?;
        let before = self.index()?;
        let mut entries = before.clone();
        change(&mut entries);
        if entries == before {
            return Ok(());
        }
        self.write_index(entries)
    }
}
