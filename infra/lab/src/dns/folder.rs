//! A folder of a server of the lab: it goes with the server, or is kept over restarts.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Start of the name of every folder that goes with its server; the number of its process follows.
const PREFIX: &str = "sovereign-lab-dns-";
/// Most characters of the log that are passed on.
const TAIL: usize = 1_000;

/// A server's folder, with its log.
#[derive(Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
    keep: bool,
}

impl Folder {
    /// Opens a folder that is kept, or makes one that goes with this value. Those that killed labs left behind are removed.
    pub(crate) fn open(kept: Option<PathBuf>) -> io::Result<Self> {
        let folder = match kept {
            Some(dir) => Self { dir, keep: true },
            None => Self::temporary()?,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&folder.dir)?;
        Ok(folder)
    }

    fn temporary() -> io::Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let parent = std::env::temp_dir();
        remove_left_behind(&parent);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let dir = parent.join(format!("{PREFIX}{}-{number}", std::process::id()));
        // Fails if somebody else was faster: the folder must be ours.
        DirBuilder::new().mode(0o700).create(&dir)?;
        Ok(Self { dir, keep: false })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn log_file(&self) -> io::Result<File> {
        File::create(self.dir.join("log"))
    }

    /// The end of the log, in one line.
    pub(crate) fn log(&self) -> String {
        let log = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let words: Vec<&str> = log.split_whitespace().collect();
        let line = words.join(" ");
        let start = line.char_indices().rev().nth(TAIL).map_or(0, |(index, _)| index);
        line[start..].to_owned()
    }

    /// Removes the folder unless it is to be kept.
    pub(crate) fn remove(&self) {
        if !self.keep {
            // What is left is removed by the next lab.
            let _ = fs::remove_dir_all(&self.dir);
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        self.remove();
    }
}

/// Removes the folders of labs that were killed: their processes, and with them their servers, are gone.
fn remove_left_behind(parent: &Path) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let process = name
            .to_str()
            .and_then(|name| name.strip_prefix(PREFIX))
            .and_then(|rest| rest.split('-').next())
            .and_then(|number| number.parse::<u32>().ok());
        if process.is_some_and(is_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a process is no more, or only waits to be buried: then it has no command line.
fn is_gone(number: u32) -> bool {
    fs::read(format!("/proc/{number}/cmdline")).map_or(true, |line| line.is_empty())
}
