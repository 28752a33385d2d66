//! What is served now. `index.json` is replaced whole whenever it changes, so its file says whether it did.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, RwLock};

use crate::layout::{Catalog, Layout, LayoutError, Stock};
use crate::name::Repository;
use crate::reference::copy_of;

use super::refusal::Refusal;

/// Tells one `index.json` from the next: its inode, its time in seconds and nanoseconds, its size.
type Stamp = (u64, i64, i64, u64);

#[derive(Debug)]
pub(super) struct Current(RwLock<(Stamp, Arc<Catalog>)>);

fn stamp(layout: &Layout) -> io::Result<Stamp> {
    let seen = fs::metadata(layout.root().join("index.json"))?;
    Ok((seen.ino(), seen.mtime(), seen.mtime_nsec(), seen.size()))
}

fn read(layout: &Layout) -> Result<(Stamp, Arc<Catalog>), LayoutError> {
    // The stamp is older than what is read, so what changes meanwhile is read again.
    let stamp = stamp(layout).unwrap_or_default();
    let catalog = layout.catalog()?;
    for problem in catalog.problems() {
        tracing::warn!(%problem, "the store of this node is damaged");
    }
    Ok((stamp, Arc::new(catalog)))
}

impl Current {
    pub(super) fn read(layout: &Layout) -> Result<Self, LayoutError> {
        Ok(Self(RwLock::new(read(layout)?)))
    }

    fn known(&self) -> (Stamp, Arc<Catalog>) {
        self.0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .clone()
    }

    /// What is there now; what was there last if it cannot be read.
    pub(super) async fn get(&self, layout: &Layout) -> Arc<Catalog> {
        let (known, catalog) = self.known();
        match stamp(layout) {
            Ok(now) if now == known => return catalog,
            Ok(_) => {}
            Err(error) => {
                tracing::error!(%error, "the index of this node's store cannot be read; what was there last is served");
                return catalog;
            }
        }
        let layout = layout.clone();
        match tokio::task::spawn_blocking(move || read(&layout)).await {
            Ok(Ok(fresh)) => {
                let catalog = fresh.1.clone();
                *self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner) = fresh;
                catalog
            }
            Ok(Err(error)) => {
                tracing::error!(%error, "this node's store cannot be read; what was there last is served");
                catalog
            }
            Err(_) => catalog,
        }
    }
}

/// The stock of a repository, or of its copy from the registry `ns`.
pub(super) fn stock<'a>(
    catalog: &'a Catalog,
    repository: &Repository,
    ns: Option<&str>,
) -> Result<&'a Stock, Refusal> {
    let copy = ns.and_then(|ns| copy_of(ns, repository.as_str()).ok());
    let found = copy
        .and_then(|copy| catalog.stock(&copy))
        .or_else(|| catalog.stock(repository));
    found.ok_or_else(|| Refusal::Unknown {
        code: "NAME_UNKNOWN",
        what: format!("repository `{repository}`"),
    })
}
