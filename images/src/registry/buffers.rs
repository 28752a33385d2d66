//! The memory that transfers share: the more of them there are, the smaller their pieces. Pieces are used again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes that all transfers together may hold in pieces.
const ALL: usize = 8 * 1024 * 1024;
/// The largest piece. Larger ones are no faster.
const LARGEST: usize = 256 * 1024;
/// The smallest piece: one record of TLS.
const SMALLEST: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Buffers {
    transfers: AtomicUsize,
    /// Pieces that nobody uses now, all of one size.
    idle: Mutex<Vec<Vec<u8>>>,
}

/// One transfer that is going on.
#[derive(Debug)]
pub(super) struct Share(Arc<Buffers>);

/// A piece of content in the making.
#[derive(Debug)]
pub(super) struct Piece {
    bytes: Vec<u8>,
    length: usize,
    home: Arc<Buffers>,
}

impl Buffers {
    pub(super) fn share(self: &Arc<Self>) -> Share {
        self.transfers.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }

    fn size(&self) -> usize {
        let transfers = self.transfers.load(Ordering::Relaxed).max(1);
        (ALL / transfers).clamp(SMALLEST, LARGEST)
    }
}

impl Share {
    /// The next piece, of as many bytes as there may be, and `most` at most.
    pub(super) fn piece(&self, most: u64) -> Piece {
        let size = self.0.size();
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = idle.pop().filter(|bytes| bytes.len() == size);
        if bytes.is_none() {
            idle.clear();
        }
        drop(idle);
        Piece {
            bytes: bytes.unwrap_or_else(|| vec![0; size]),
            length: usize::try_from(most).unwrap_or(usize::MAX).min(size),
            home: self.0.clone(),
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.0.transfers.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }
}

impl Piece {
    pub(super) fn as_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }

    pub(super) fn length(&self) -> usize {
        self.length
    }

    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Piece {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        let mut idle = self.home.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let is_wanted = self.bytes.len() == self.home.size() && idle.len() < ALL / self.bytes.len();
        if is_wanted && self.home.transfers.load(Ordering::Relaxed) > 0 {
            idle.push(std::mem::take(&mut self.bytes));
        }
    }
}
