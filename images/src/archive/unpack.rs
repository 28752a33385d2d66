//! From an archive to a layout.

use std::io::Read;
use std::path::Path;

use tar::{Archive, Entry, EntryType};

use crate::digest::Digest;
use crate::layout::Layout;

use super::{ArchiveError, BLOBS, INDEX_FILE, VERSION_FILE};

/// Largest `index.json` that is read, in bytes: some 100,000 names.
const MAX_INDEX: u64 = 32 * 1024 * 1024;

/// Makes a layout of an archive in a folder that is empty or not there. What is there after an error is no layout, or none that
/// names anything.
pub fn unpack(from: impl Read, into: &Path) -> Result<Layout, ArchiveError> {
    let layout = Layout::create(into)?;
    let mut contents = Contents::default();
    let mut archive = Archive::new(from);
    // Raw: names that do not fit into a plain header are none of ours, and are not read into memory.
    for entry in archive.entries().map_err(ArchiveError::Broken)?.raw(true) {
        contents.take(&layout, entry.map_err(ArchiveError::Broken)?)?;
    }
    let version = contents.version.ok_or(ArchiveError::Missing(VERSION_FILE))?;
    let index = contents.index.ok_or(ArchiveError::Missing(INDEX_FILE))?;
    let layout = layout.take_over(&version, &index)?;
    whole(&layout)?;
    Ok(layout)
}

/// Everything that is named is there, and something is.
fn whole(layout: &Layout) -> Result<(), ArchiveError> {
    let catalog = layout.catalog()?;
    if let Some(problem) = catalog.problems().first() {
        return Err(ArchiveError::Incomplete(problem.to_string()));
    }
    catalog.repositories().next().map(drop).ok_or(ArchiveError::Empty)
}

/// What an archive has told so far.
#[derive(Debug, Default)]
struct Contents {
    version: Option<Vec<u8>>,
    index: Option<Vec<u8>>,
}

impl Contents {
    fn take<R: Read>(&mut self, layout: &Layout, mut entry: Entry<'_, R>) -> Result<(), ArchiveError> {
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XHeader | EntryType::XGlobalHeader) {
            // Times and attributes that some tools add; a size or name in it would not be believed anyway.
            return Ok(());
        }
        let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        let name = path.strip_prefix("./").unwrap_or(&path);
        if kind == EntryType::Directory {
            let known = ["", "blobs/", BLOBS].contains(&name) || ["blobs", "blobs/sha256"].contains(&name);
            return known.then_some(()).ok_or(ArchiveError::Foreign(path));
        }
        if kind != EntryType::Regular {
            return Err(ArchiveError::NotAFile(path));
        }
        match name {
            VERSION_FILE => keep(&mut self.version, path, entry),
            INDEX_FILE => keep(&mut self.index, path, entry),
            _ => {
                let digest = digest_of(name).ok_or_else(|| ArchiveError::Foreign(path.clone()))?;
                if layout.blob_path(digest).exists() {
                    return Err(ArchiveError::Twice(path));
                }
                let size = entry.size();
                Ok(layout.put_blob(digest, size, &mut entry)?)
            }
        }
    }
}

fn digest_of(name: &str) -> Option<Digest> {
    format!("sha256:{}", name.strip_prefix(BLOBS)?).parse().ok()
}

/// Reads a small entry.
fn keep<R: Read>(place: &mut Option<Vec<u8>>, path: String, entry: Entry<'_, R>) -> Result<(), ArchiveError> {
    if place.is_some() {
        return Err(ArchiveError::Twice(path));
    }
    let (bytes, limit) = (entry.size(), MAX_INDEX);
    if bytes > limit {
        return Err(ArchiveError::TooLarge { path, bytes, limit });
    }
    let mut content = Vec::new();
    entry
        .take(limit)
        .read_to_end(&mut content)
        .map_err(ArchiveError::Broken)?;
    *place = Some(content);
    Ok(())
}
