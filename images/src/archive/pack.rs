//! From a layout to an archive.

use std::fs;
use std::io::{self, Read, Write};

use tar::Builder;

use crate::artifact::header;
use crate::layout::{Layout, LayoutError};

use super::{ArchiveError, BLOBS, INDEX_FILE, VERSION_FILE};

/// Writes all that a layout names; blobs that nothing needs stay behind.
pub fn pack(layout: &Layout, to: impl Write) -> Result<(), ArchiveError> {
    let catalog = layout.catalog()?;
    if let Some(problem) = catalog.problems().first() {
        return Err(ArchiveError::Incomplete(problem.to_string()));
    }
    let mut archive = Builder::new(to);
    for name in [VERSION_FILE, INDEX_FILE] {
        let path = layout.root().join(name);
        let bytes = fs::read(&path).map_err(LayoutError::io("read", &path))?;
        append(&mut archive, name, bytes.len() as u64, &*bytes)?;
    }
    for digest in catalog.needed() {
        let (file, size) = layout.open_blob(digest)?;
        append(
            &mut archive,
            &format!("{BLOBS}{}", digest.hex()),
            size,
            file.take(size),
        )?;
    }
    let mut to = archive.into_inner().map_err(ArchiveError::Broken)?;
    to.flush().map_err(ArchiveError::Broken)
}

/// A file of nobody and from no time.
fn append<W: Write>(
    archive: &mut Builder<W>,
    name: &str,
    size: u64,
    from: impl Read,
) -> Result<(), ArchiveError> {
    let written: io::Result<()> = archive.append_data(&mut header(size), name, from);
    written.map_err(ArchiveError::Broken)
}
