//! The folder of fetched files: whole ones are called as their digests, and beside them is what is on its way.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::AsyncWriteExt as _;

use super::note::{Note, Part, Validator, Whole};
use super::{Address, DownloadError, Fetched, OnWord, Word};
use crate::digest::Digest;

/// How often somebody who waits for another process looks whether it is done.
const LOOK: Duration = Duration::from_millis(500);
/// Bytes between two times that what has come is made to outlive a loss of power.
const SURE_EVERY: u64 = 4 * 1024 * 1024;

/// The folder of fetched files. It may be emptied whenever nobody fetches.
#[derive(Debug, Clone)]
pub struct Shelf {
    folder: PathBuf,
}

impl Shelf {
    /// The shelf in a folder; it is made when something is fetched.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The file with a digest, if it is there and right: all of it is read.
    pub async fn find(&self, digest: Digest) -> Option<Fetched> {
        let path = self.folder.join(digest.hex());
        let (found, size) = digest_of(&path).await.ok()?;
        (found == digest).then_some(Fetched { path, digest, size })
    }

    /// Takes a file away that turned out to be of no use, so that it is fetched anew.
    pub fn forget(&self, digest: Digest) -> io::Result<()> {
        match fs::remove_file(self.folder.join(digest.hex())) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The place of what an address leads to. Nobody else is in it as long as this lives.
#[derive(Debug)]
pub(super) struct Slot {
    folder: PathBuf,
    key: String,
    note: Note,
    file: tokio::fs::File,
    /// Bytes that are there.
    done: u64,
    _lock: File,
}

impl Slot {
    /// Opens the place, after whoever is in it.
    pub(super) async fn open(
        shelf: &Shelf,
        address: &Address,
        on: OnWord<'_>,
    ) -> Result<Self, DownloadError> {
        let folder = shelf.folder.clone();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
        made.map_err(disk("make", &folder))?;
        // The address itself may hold a signature.
        let key = Digest::of(address.url().as_str().as_bytes()).hex();
        let lock = locked(&folder.join(format!("{key}.lock")), on).await?;
        let note: Note = fs::read(folder.join(format!("{key}.json")))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        let (file, done) = open_part(&folder.join(format!("{key}.part")), note.part.sure)?;
        Ok(Self {
            folder,
            key,
            note,
            file: tokio::fs::File::from_std(file),
            done,
            _lock: lock,
        })
    }

    /// Bytes that are there.
    pub(super) fn done(&self) -> u64 {
        self.done
    }

    /// All that the server spoke of is there, and nobody has looked at its digest yet.
    pub(super) fn is_whole(&self) -> bool {
        self.done > 0 && self.note.part.total == Some(self.done)
    }

    /// What is known of the part that is there.
    pub(super) fn part(&self) -> &Part {
        &self.note.part
    }

    /// The whole file that was fetched from here last, if it is still there.
    pub(super) async fn kept(&self) -> Option<(Validator, Fetched)> {
        let whole = self.note.whole.as_ref()?;
        let there = Shelf::new(&self.folder).find(whole.digest).await?;
        Some((whole.validator.clone(), there))
    }

    /// A file begins.
    pub(super) async fn begin(
        &mut self,
        validator: Validator,
        total: Option<u64>,
    ) -> Result<(), DownloadError> {
        self.discard().await?;
        self.note.part = Part {
            validator,
            total,
            sure: 0,
        };
        self.write_note()
    }

    /// Adds bytes to what is there.
    pub(super) async fn add(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        let written = self.file.write_all(bytes).await;
        written.map_err(disk("write", &self.path("part")))?;
        self.done += bytes.len() as u64;
        if self.done - self.note.part.sure >= SURE_EVERY {
            self.make_sure().await?;
        }
        Ok(())
    }

    /// Lets what is there outlive a loss of power.
    pub(super) async fn make_sure(&mut self) -> Result<(), DownloadError> {
        let path = self.path("part");
        self.file.flush().await.map_err(disk("write", &path))?;
        self.file.sync_data().await.map_err(disk("write", &path))?;
        self.note.part.sure = self.done;
        self.write_note()
    }

    /// Takes away what is there.
    pub(super) async fn discard(&mut self) -> Result<(), DownloadError> {
        self.note.part = Part::default();
        self.write_note()?;
        // What was not written may fail still, and is not wanted any more.
        let _ = self.file.flush().await;
        let (file, done) = open_part(&self.path("part"), 0)?;
        self.file = tokio::fs::File::from_std(file);
        self.done = done;
        Ok(())
    }

    /// The digest of what is there.
    pub(super) async fn digest(&mut self) -> Result<Digest, DownloadError> {
        self.make_sure().await?;
        let path = self.path("part");
        let (digest, _) = digest_of(&path).await.map_err(disk("read", &path))?;
        Ok(digest)
    }

    /// Puts what is there on the shelf.
    pub(super) async fn keep(mut self, digest: Digest) -> Result<Fetched, DownloadError> {
        let (from, path) = (self.path("part"), self.folder.join(digest.hex()));
        self.file.sync_all().await.map_err(disk("write", &from))?;
        fs::rename(&from, &path).map_err(disk("write", &path))?;
        let synced = File::open(&self.folder).and_then(|folder| folder.sync_all());
        synced.map_err(disk("write", &self.folder))?;
        let part = std::mem::take(&mut self.note.part);
        self.note.whole = Some(Whole {
            validator: part.validator,
            digest,
        });
        self.write_note()?;
        Ok(Fetched {
            path,
            digest,
            size: self.done,
        })
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{}.{extension}", self.key))
    }

    fn write_note(&self) -> Result<(), DownloadError> {
        let (beside, path) = (self.path("json-new"), self.path("json"));
        // Every field is a string or a number: it can always be written.
        let json = serde_json::to_vec(&self.note).unwrap_or_default();
        fs::write(&beside, json).map_err(disk("write", &beside))?;
        fs::rename(&beside, &path).map_err(disk("write", &path))
    }
}

/// Opens a part, cut to so many bytes at most, and stands at its end.
fn open_part(path: &Path, sure: u64) -> Result<(File, u64), DownloadError> {
    let open = || -> io::Result<(File, u64)> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(sure == 0)
            .mode(0o600)
            .open(path)?;
        let done = file.metadata()?.len().min(sure);
        if done > 0 {
            file.set_len(done)?;
            file.seek(SeekFrom::Start(done))?;
        }
        Ok((file, done))
    };
    open().map_err(disk("write", path))
}

/// A lock of this process's own. The system lets go of it, however the process ends.
async fn locked(path: &Path, on: OnWord<'_>) -> Result<File, DownloadError> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(disk("write", path))?;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => on(Word::Queued),
            Err(TryLockError::Error(source)) => return Err(disk("lock", path)(source)),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn digest_of(path: &Path) -> io::Result<(Digest, u64)> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || Digest::of_reader(&mut File::open(path)?));
    read.await.map_err(io::Error::other)?
}

fn disk(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DownloadError {
    let path = path.to_owned();
    move |source| DownloadError::Disk { action, path, source }
}
