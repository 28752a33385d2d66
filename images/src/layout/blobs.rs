//! Blobs in, checked while they stream; blobs out.

use std::fs::File;
use std::io::{self, Read, Take};
use std::path::PathBuf;

use crate::digest::{Digest, Hasher};

use super::pending::Pending;
use super::{Layout, LayoutError};

/// A blob on its way into a layout, a piece at a time. It is kept by [`Incoming::finish`], and gone if that is not called.
pub struct Incoming {
    _here: File,
    pending: Pending,
    hasher: Hasher,
    to: PathBuf,
    wanted: (Digest, u64),
}

impl Incoming {
    /// Bytes so far.
    pub fn bytes(&self) -> u64 {
        self.hasher.bytes()
    }

    /// Writes the next piece. More than the blob's size is refused.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), LayoutError> {
        let (digest, wanted) = self.wanted;
        let found = self.hasher.bytes() + bytes.len() as u64;
        if found > wanted {
            return Err(LayoutError::Size {
                digest,
                wanted,
                found,
            });
        }
        self.hasher.update(bytes);
        self.pending.write(bytes)
    }

    /// Makes the blob durable, if it is what it should be.
    pub fn finish(self) -> Result<(), LayoutError> {
        let (digest, wanted) = self.wanted;
        let (content, found) = self.hasher.finish();
        if found != wanted {
            return Err(LayoutError::Size {
                digest,
                wanted,
                found,
            });
        }
        if content != digest {
            return Err(LayoutError::Damaged {
                wanted: digest,
                found: content,
            });
        }
        self.pending.commit(&self.to)
    }
}

impl Layout {
    pub(super) fn blobs_folder(&self) -> PathBuf {
        self.root.join("blobs/sha256")
    }

    /// Where a blob is, or would be.
    pub fn blob_path(&self, digest: Digest) -> PathBuf {
        self.blobs_folder().join(digest.hex())
    }

    /// Whether a blob is there in its size. Its content is not looked at.
    pub fn has_blob(&self, digest: Digest, size: u64) -> bool {
        self.expect_blob(digest, size).is_ok()
    }

    pub(super) fn expect_blob(&self, digest: Digest, wanted: u64) -> Result<(), LayoutError> {
        match self.open_blob(digest)?.1 {
            found if found == wanted => Ok(()),
            found => Err(LayoutError::Size {
                digest,
                wanted,
                found,
            }),
        }
    }

    /// Begins to take a blob in. One that is there already is replaced, so that a damaged one can be put right.
    pub fn incoming(&self, digest: Digest, size: u64) -> Result<Incoming, LayoutError> {
        Ok(Incoming {
            _here: self.writers_lock()?,
            pending: self.pending()?,
            hasher: Hasher::default(),
            to: self.blob_path(digest),
            wanted: (digest, size),
        })
    }

    /// Puts a blob whose digest and size are known; both are checked while it streams.
    pub fn put_blob(&self, digest: Digest, size: u64, from: &mut impl Read) -> Result<(), LayoutError> {
        let mut incoming = self.incoming(digest, size)?;
        let mut chunk = vec![0; 256 * 1024];
        loop {
            match from.read(&mut chunk) {
                Ok(0) => return incoming.finish(),
                Ok(read) => incoming.write(&chunk[..read])?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(LayoutError::Source(error)),
            }
        }
    }

    /// Puts a blob whose digest is not known yet. Answers with it and the size.
    pub fn put_reader(&self, from: &mut impl Read) -> Result<(Digest, u64), LayoutError> {
        let _here = self.writers_lock()?;
        let mut pending = self.pending()?;
        let mut hasher = Hasher::default();
        let mut broken = None;
        hasher
            .drain(from, |chunk, _| {
                pending.write(chunk).map_err(|error| {
                    broken = Some(error);
                    io::Error::other("not written")
                })
            })
            .map_err(|error| broken.take().unwrap_or(LayoutError::Source(error)))?;
        let (digest, size) = hasher.finish();
        pending.commit(&self.blob_path(digest))?;
        Ok((digest, size))
    }

    /// Puts a blob that is in memory. Answers with its digest and size.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<(Digest, u64), LayoutError> {
        let (digest, size) = (Digest::of(bytes), bytes.len() as u64);
        self.put_blob(digest, size, &mut &*bytes)?;
        Ok((digest, size))
    }

    /// A blob's file and its size in bytes. Its content is not looked at.
    pub fn open_blob(&self, digest: Digest) -> Result<(File, u64), LayoutError> {
        let path = self.blob_path(digest);
        let file = File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => LayoutError::NoBlob {
                digest,
                path: self.root.clone(),
            },
            _ => LayoutError::io("read", &path)(error),
        })?;
        let size = file.metadata().map_err(LayoutError::io("read", &path))?.len();
        Ok((file, size))
    }

    /// A blob in memory, at most `limit` bytes of it, checked against its digest.
    pub fn read_blob(&self, digest: Digest, limit: u64) -> Result<Vec<u8>, LayoutError> {
        let (file, bytes) = self.open_blob(digest)?;
        if bytes > limit {
            return Err(LayoutError::TooLarge { digest, bytes, limit });
        }
        let mut content = Vec::new();
        let mut file: Take<File> = file.take(limit);
        let read = file.read_to_end(&mut content);
        read.map_err(LayoutError::io("read", &self.blob_path(digest)))?;
        match Digest::of(&content) {
            found if found == digest => Ok(content),
            found => Err(LayoutError::Damaged {
                wanted: digest,
                found,
            }),
        }
    }
}
