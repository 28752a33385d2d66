//! A file that is being written. It appears under its name whole, or never.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Layout, LayoutError};

static COUNT: AtomicU64 = AtomicU64::new(0);

pub(super) struct Pending {
    file: File,
    path: PathBuf,
}

impl Pending {
    /// Writes on.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        self.file
            .write_all(bytes)
            .map_err(LayoutError::io("write", &self.path))
    }

    /// Makes it durable under a name.
    pub(super) fn commit(self, to: &Path) -> Result<(), LayoutError> {
        self.file.sync_all().map_err(LayoutError::io("write", to))?;
        fs::rename(&self.path, to).map_err(LayoutError::io("write", to))?;
        let folder = to.parent().unwrap_or(to);
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(LayoutError::io("write", to))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        // After `commit` there is nothing left; otherwise what is left is of no use, and the next sweep finds it.
        let _ = fs::remove_file(&self.path);
    }
}

impl Layout {
    pub(super) fn writing_folder(&self) -> PathBuf {
        self.root.join(".sovereign/writing")
    }

    pub(super) fn pending(&self) -> Result<Pending, LayoutError> {
        let folder = self.writing_folder();
        fs::create_dir_all(&folder).map_err(LayoutError::io("make", &folder))?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = folder.join(format!("{}-{number}", std::process::id()));
        // A file of that name was left by a dead process with our number.
        let file = File::create(&path).map_err(LayoutError::io("write", &path))?;
        Ok(Pending { file, path })
    }

    pub(super) fn write_file(&self, path: &Path, bytes: &[u8]) -> Result<(), LayoutError> {
        let mut pending = self.pending()?;
        pending.write(bytes)?;
        pending.commit(path)
    }

    /// Held while the index is changed.
    pub(super) fn index_lock(&self) -> Result<File, LayoutError> {
        self.lock("index.lock", File::lock)
    }

    /// Held by each who puts something, side by side.
    pub(super) fn writers_lock(&self) -> Result<File, LayoutError> {
        self.lock("sweep.lock", File::lock_shared)
    }

    /// Held by who removes, alone.
    pub(super) fn sweep_lock(&self) -> Result<File, LayoutError> {
        self.lock("sweep.lock", File::lock)
    }

    fn lock(&self, name: &str, how: impl FnOnce(&File) -> io::Result<()>) -> Result<File, LayoutError> {
        let folder = self.root.join(".sovereign");
        fs::create_dir_all(&folder).map_err(LayoutError::io("make", &folder))?;
        let path = folder.join(name);
        let opened = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path);
        let file = opened.map_err(LayoutError::io("lock", &path))?;
        how(&file).map_err(LayoutError::io("lock", &path))?;
        Ok(file)
    }
}
