//! Files that hosts may ask for on the node link, known by their digest.

use std::collections::HashMap;
use std::io::{self, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sovereign_core::agent::{MAX_PIECE, Piece, ToAgent};
use sovereign_core::k3s::Artifact;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// Pieces that are sent for each time a host asks.
const PIECES: u32 = 8;

/// Files that hosts may ask for.
#[derive(Debug, Default)]
pub struct Depot {
    files: Mutex<HashMap<String, Offer>>,
}

#[derive(Debug, Clone)]
struct Offer {
    path: PathBuf,
    size: u64,
}

impl Depot {
    /// Lets hosts ask for a file.
    pub fn offer(&self, artifact: &Artifact, path: &Path) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let offer = Offer {
            path: path.to_owned(),
            size: artifact.size,
        };
        files.insert(artifact.sha256.clone(), offer);
    }

    fn find(&self, sha256: &str) -> Option<Offer> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(sha256).cloned()
    }

    /// Begins to hand a file over, from a byte on. `None` if it is not here, or cannot be read.
    pub(crate) async fn open(&self, sha256: &str, from: u64) -> Option<Handing> {
        let Offer { path, size } = self.find(sha256)?;
        match File::open(&path).await {
            Ok(file) => Some(Handing {
                sha256: sha256.to_owned(),
                size,
                file,
                from,
                left: PIECES,
            }),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file that hosts need cannot be read");
                None
            }
        }
    }
}

/// A file on its way to a host.
#[derive(Debug)]
pub(crate) struct Handing {
    sha256: String,
    size: u64,
    file: File,
    from: u64,
    left: u32,
}

impl Handing {
    /// The next piece; `None` once the host has as many as it asked for, or all there is. Giving up on the call loses nothing.
    pub(crate) async fn next(&mut self) -> Option<ToAgent> {
        if self.left == 0 || self.from >= self.size {
            return None;
        }
        let piece = match self.read().await {
            Ok(bytes) if !bytes.is_empty() => {
                let from = self.from;
                self.from += bytes.len() as u64;
                self.left -= 1;
                ToAgent::Piece(Piece {
                    sha256: self.sha256.clone(),
                    from,
                    data: STANDARD.encode(&bytes),
                })
            }
            broken => {
                let error = broken
                    .err()
                    .map_or_else(|| "it ends too early".to_owned(), |error| error.to_string());
                tracing::warn!(
                    sha256 = self.sha256,
                    error,
                    "a file that hosts need cannot be read"
                );
                self.left = 0;
                ToAgent::NoArtifact {
                    sha256: self.sha256.clone(),
                }
            }
        };
        Some(piece)
    }

    /// From where it is, wherever a read that was given up on has left the file.
    async fn read(&mut self) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(self.from)).await?;
        let mut bytes = Vec::with_capacity(MAX_PIECE);
        let limit = u64::try_from(MAX_PIECE).unwrap_or(u64::MAX);
        (&mut self.file).take(limit).read_to_end(&mut bytes).await?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_file_goes_in_pieces_and_from_where_it_is_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k3s");
        std::fs::write(&path, vec![7; MAX_PIECE + 10]).unwrap();
        let artifact = Artifact {
            sha256: "ab".repeat(32),
            size: MAX_PIECE as u64 + 10,
        };
        let depot = Depot::default();
        assert!(depot.open(&artifact.sha256, 0).await.is_none());
        depot.offer(&artifact, &path);
        let mut handing = depot.open(&artifact.sha256, 4).await.unwrap();
        let mut sizes = Vec::new();
        while let Some(ToAgent::Piece(piece)) = handing.next().await {
            sizes.push((piece.from, STANDARD.decode(piece.data).unwrap().len()));
        }
        assert_eq!(sizes, [(4, MAX_PIECE), (MAX_PIECE as u64 + 4, 6)]);
    }
}
