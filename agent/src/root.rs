//! Where the host's files are: `/` in production, a folder in tests.

use std::io;
use std::path::{Path, PathBuf};

/// The root of the host's file system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// The host itself.
    pub fn real() -> Self {
        Self(PathBuf::from("/"))
    }

    /// A folder that stands for the host.
    pub fn under(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Where the host's absolute path `path` is.
    pub fn path(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// Whether something is at `path`; a dangling link is nothing.
    pub fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// Text of the file at `path`, or `None` if there is no file.
    pub fn read(&self, path: &str) -> io::Result<Option<String>> {
        missing_is_none(std::fs::read_to_string(self.path(path)))
    }

    /// Bytes of the file at `path`, or `None` if there is no file.
    pub fn read_bytes(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        missing_is_none(std::fs::read(self.path(path)))
    }

    /// Text of the file at `path`, or nothing where it cannot be had. For what the kernel tells, where absence is an answer.
    pub fn text(&self, path: &str) -> String {
        std::fs::read_to_string(self.path(path)).unwrap_or_default()
    }

    /// Absolute paths of what the folder `path` holds, in order; none if there is no such folder.
    pub fn list(&self, path: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(path)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().into_string().ok())
            .map(|name| format!("{}/{name}", path.trim_end_matches('/')))
            .collect();
        names.sort();
        names
    }

    /// The host runs in a container, whose kernel belongs to somebody else.
    pub fn in_container(&self) -> bool {
        self.exists("/run/systemd/container") || self.exists("/run/host/container-manager")
    }

    /// The folder itself.
    pub fn as_path(&self) -> &Path {
        &self.0
    }
}

fn missing_is_none<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
