//! Removal of what nothing names.

use std::fs;
use std::path::Path;

use super::verify::digest_of;
use super::{Layout, LayoutError};

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Blobs, and files that writers have left behind.
    pub files: usize,
    /// Their bytes.
    pub bytes: u64,
}

impl Swept {
    fn remove(&mut self, path: &Path) -> Result<(), LayoutError> {
        let failed = || LayoutError::io("remove", path);
        self.bytes += fs::metadata(path).map_err(failed())?.len();
        fs::remove_file(path).map_err(failed())?;
        self.files += 1;
        Ok(())
    }
}

impl Layout {
    /// Removes the blobs that nothing named needs. A layout with problems is left as it is: they may hide what is needed.
    pub fn sweep(&self) -> Result<Swept, LayoutError> {
        let _alone = self.sweep_lock()?;
        let catalog = self.catalog()?;
        if let Some(first) = catalog.problems().first() {
            return Err(LayoutError::Disorder {
                path: self.root.clone(),
                count: catalog.problems().len(),
                first: first.to_string(),
            });
        }
        let needed = catalog.needed();
        let mut swept = Swept::default();
        for path in self.blob_files()? {
            if digest_of(&path).is_some_and(|digest| !needed.contains(&digest)) {
                swept.remove(&path)?;
            }
        }
        let writing = self.writing_folder();
        for entry in fs::read_dir(&writing)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
        {
            swept.remove(&entry.path())?;
        }
        Ok(swept)
    }
}
