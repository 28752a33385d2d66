//! A layout in one file: an OCI archive, a plain tar of `oci-layout`, `index.json` and the blobs.
//!
//! An archive is the same bytes for the same layout. Unpacking trusts nothing: an entry has to be one of those files, at its place,
//! and a blob what its name says; and all that is named has to be there.

mod error;
mod pack;
mod unpack;

pub use self::error::ArchiveError;
pub use self::pack::pack;
pub use self::unpack::unpack;

/// The file that makes a folder a layout.
const VERSION_FILE: &str = "oci-layout";
/// The file with the names.
const INDEX_FILE: &str = "index.json";
/// Folder of the blobs.
const BLOBS: &str = "blobs/sha256/";

#[cfg(test)]
mod tests;
