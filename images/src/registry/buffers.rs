//! The memory that transfers share: the more of them there are, the smaller their pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that all transfers together may hold in pieces.
const ALL: usize = 8 * 1024 * 1024;
/// The largest piece. Larger ones are no faster.
const LARGEST: usize = 256 * 1024;
/// The smallest piece: one record of TLS.
const SMALLEST: usize = 16 * 1024;

#[derive(Debug, Default)]
pub(super) struct Buffers(AtomicUsize);

/// One transfer that is going on.
#[derive(Debug)]
pub(super) struct Share(Arc<Buffers>);

impl Buffers {
    pub(super) fn share(self: &Arc<Self>) -> Share {
        self.0.fetch_add(1, Ordering::Relaxed);
        Share(self.clone())
    }
}

impl Share {
    /// Bytes of the next piece.
    pub(super) fn size(&self) -> usize {
        (ALL / self.0.0.load(Ordering::Relaxed).max(1)).clamp(SMALLEST, LARGEST)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}
