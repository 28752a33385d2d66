//! One file from the web into a folder, under its digest.
//!
//! What breaks off goes on where it broke, in a later process, too, if the server does ranges and still has the same file. A file
//! counts once its digest is known to be right; what is there already is not fetched again.

mod address;
mod answer;
mod error;
mod note;
mod shelf;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use crate::digest::Digest;

use self::shelf::Slot;
use self::transfer::{End, Transfer};

pub use self::address::{Address, BadAddress};
pub use self::error::DownloadError;
pub use self::shelf::Shelf;

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest wait for a connection.
    pub connect: Duration,
    /// Longest silence of a server. The whole may take as long as it takes.
    pub silence: Duration,
    /// CAs to trust beside the system's, in PEM.
    pub ca_pem: Option<String>,
}

impl Default for Options {
    /// 15 s for a connection, a minute of silence, the system's CAs.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            silence: Duration::from_mins(1),
            ca_pem: None,
        }
    }
}

/// A file that is there, whole and with the right digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where it is.
    pub path: PathBuf,
    /// Its digest.
    pub digest: Digest,
    /// Its bytes.
    pub size: u64,
}

/// What happens to a file on its way.
#[derive(Debug)]
pub enum Word<'a> {
    /// Another process fetches the same file: this one waits for it.
    Queued,
    /// So many bytes are there.
    At {
        /// Bytes that are there.
        done: u64,
        /// Bytes in all, if the server says so.
        total: Option<u64>,
    },
    /// It is tried again after a while.
    Again {
        /// Why.
        cause: &'a DownloadError,
        /// The while.
        wait: Duration,
    },
}

/// Told what happens, of bytes a few times a second.
pub type OnWord<'a> = &'a (dyn Fn(Word<'_>) + Send + Sync);

/// Fetches a file whose digest is known, unless it is there.
pub async fn known(
    shelf: &Shelf,
    address: &Address,
    digest: Digest,
    options: &Options,
    on: OnWord<'_>,
) -> Result<Fetched, DownloadError> {
    if let Some(there) = shelf.find(digest).await {
        return Ok(there);
    }
    let mut slot = Slot::open(shelf, address, on).await?;
    if let Some(there) = shelf.find(digest).await {
        return Ok(there);
    }
    let mut transfer = Transfer::new(address, options, on)?;
    loop {
        let end = if slot.is_whole() {
            End::Whole { resumed: true }
        } else {
            transfer.run(&mut slot, None).await?
        };
        let End::Whole { resumed } = end else {
            return Err(unasked(address));
        };
        let found = slot.digest().await?;
        if found == digest {
            return slot.keep(found).await;
        }
        slot.discard().await?;
        // Two halves of different files, perhaps.
        if !resumed {
            return Err(DownloadError::OtherDigest {
                url: address.to_string(),
                wanted: digest,
                found,
            });
        }
    }
}

/// Fetches a file of any digest, unless the server says that the one that is there is still the same.
pub async fn latest(
    shelf: &Shelf,
    address: &Address,
    options: &Options,
    on: OnWord<'_>,
) -> Result<Fetched, DownloadError> {
    let mut slot = Slot::open(shelf, address, on).await?;
    let kept = slot.kept().await;
    let mut transfer = Transfer::new(address, options, on)?;
    let validator = kept.as_ref().map(|(validator, _)| validator);
    let end = transfer.run(&mut slot, validator).await?;
    if end == End::Unchanged {
        return kept.map(|(_, there)| there).ok_or_else(|| unasked(address));
    }
    let found = slot.digest().await?;
    slot.keep(found).await
}

fn unasked(address: &Address) -> DownloadError {
    DownloadError::bad_answer(address, "nothing changed, and nobody asked whether")
}
