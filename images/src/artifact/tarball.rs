//! Gzipped tar archives: always the same bytes out, nothing dangerous in.

use std::collections::BTreeSet;
use std::io::{self, Read, Write as _};

use flate2::read::MultiGzDecoder;
use flate2::{Compression, GzBuilder};
use tar::{Archive, Builder, EntryType, Header};

use crate::digest::Digest;

use super::files::is_safe;
use super::{ArtifactError, Files};

/// The system byte of a gzip header that means none in particular (RFC 1952).
const NO_SYSTEM: u8 = 255;

/// How much an archive may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files and folders.
    pub entries: usize,
    /// Bytes of all files.
    pub bytes: u64,
}

impl Default for Limits {
    /// 20,000 entries, 256 MiB.
    fn default() -> Self {
        Self {
            entries: 20_000,
            bytes: 256 * 1024 * 1024,
        }
    }
}

impl Limits {
    pub(super) fn hold(&self, files: &Files) -> Result<(), ArtifactError> {
        let bytes: u64 = files.values().map(|content| content.len() as u64).sum();
        self.hold_counts(files.len(), bytes)
    }

    fn hold_counts(&self, entries: usize, bytes: u64) -> Result<(), ArtifactError> {
        if entries > self.entries {
            let limit = self.entries as u64;
            return Err(ArtifactError::TooMuch { limit, what: "files" });
        }
        if bytes > self.bytes {
            let limit = self.bytes;
            return Err(ArtifactError::TooMuch { limit, what: "bytes" });
        }
        Ok(())
    }
}

/// A file of nobody and from no time.
pub(crate) fn header(size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header
}

/// Packs files, in the order of their paths, of nobody and from no time. Answers also with the digest of the plain archive.
pub(super) fn write(files: &Files) -> Result<(Vec<u8>, Digest), ArtifactError> {
    let broken = |error: io::Error| ArtifactError::Archive(error.to_string());
    let mut archive = Builder::new(Vec::new());
    for (path, content) in files {
        if !is_safe(path) {
            return Err(ArtifactError::UnsafePath(path.clone()));
        }
        archive
            .append_data(&mut header(content.len() as u64), path, content.as_slice())
            .map_err(broken)?;
    }
    let plain = archive.into_inner().map_err(broken)?;
    let mut gzip = GzBuilder::new()
        .mtime(0)
        .operating_system(NO_SYSTEM)
        .write(Vec::new(), Compression::best());
    gzip.write_all(&plain).map_err(broken)?;
    Ok((gzip.finish().map_err(broken)?, Digest::of(&plain)))
}

/// Unpacks files into memory. Links, devices, paths that lead elsewhere, doubles, and more than the limits are refused.
pub(super) fn read(gzip: &[u8], limits: &Limits) -> Result<Files, ArtifactError> {
    let broken = |error: io::Error| ArtifactError::Archive(error.to_string());
    // Headers and padding count as well: an archive of nothing else must not run forever.
    let most = limits.bytes.saturating_add((limits.entries as u64 + 2) * 4096);
    let mut plain = MultiGzDecoder::new(gzip).take(most);
    let mut files = Files::new();
    let mut folders = BTreeSet::new();
    let mut bytes = 0;
    let mut seen = 0;
    for entry in Archive::new(&mut plain).entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            continue;
        }
        let path = path_of(&entry.path_bytes(), kind)?;
        seen += 1;
        bytes += entry.size();
        limits.hold_counts(seen, bytes)?;
        match kind {
            EntryType::Directory => {
                folders.insert(path);
            }
            EntryType::Regular | EntryType::Continuous => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(broken)?;
                if files.insert(path.clone(), content).is_some() {
                    return Err(ArtifactError::Twice(path));
                }
            }
            _ => return Err(ArtifactError::NotAFile(path)),
        }
    }
    match files.keys().find(|path| is_also_folder(path, &files, &folders)) {
        Some(path) => Err(ArtifactError::Twice(path.clone())),
        None => Ok(files),
    }
}

/// A path without what some tools write around it: `./` in front, and `/` behind a folder.
fn path_of(raw: &[u8], kind: EntryType) -> Result<String, ArtifactError> {
    let text = String::from_utf8_lossy(raw);
    let is_folder = kind == EntryType::Directory;
    let path = text.strip_prefix("./").unwrap_or(&text);
    let path = path.strip_suffix('/').filter(|_| is_folder).unwrap_or(path);
    let is_root = is_folder && matches!(path, "" | ".");
    if std::str::from_utf8(raw).is_ok() && (is_safe(path) || is_root) {
        return Ok(path.to_owned());
    }
    Err(ArtifactError::UnsafePath(text.escape_debug().to_string()))
}

fn is_also_folder(path: &str, files: &Files, folders: &BTreeSet<String>) -> bool {
    let under = format!("{path}/");
    let next = files.range(under.clone()..).next();
    folders.contains(path) || next.is_some_and(|(next, _)| next.starts_with(&under))
}
