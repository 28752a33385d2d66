//! Blobs, whole or in part, streamed from the disk.

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures::{Stream, stream};
use rustix::io::{ReadWriteFlags, preadv2};

use crate::digest::Digest;
use crate::layout::Stock;

use super::buffers::{Piece, Share};
use super::range::{Part, part};
use super::refusal::Refusal;
use super::{Registry, answer};

impl Registry {
    pub(super) async fn blob(
        &self,
        stock: &Stock,
        digest: Digest,
        request: &Parts,
    ) -> Result<Response, Refusal> {
        let size = stock.blob(digest).ok_or_else(|| Refusal::Unknown {
            code: "BLOB_UNKNOWN",
            what: format!("blob `{digest}`"),
        })?;
        let headers = &request.headers;
        if answer::lists(headers, &header::IF_NONE_MATCH, digest) {
            return Ok(answer::not_modified(digest));
        }
        let bytes = match part(range_of(headers, digest), size) {
            Part::Beyond => return Err(Refusal::Range { size }),
            Part::Whole => None,
            Part::Bytes(bytes) => Some(bytes),
        };
        let file = self.file(digest, size).await?;
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        answer::named(headers, digest);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/octet-stream"),
        );
        headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(Range { start, end }) = &bytes {
            let range = format!("bytes {start}-{}/{size}", end - 1);
            headers.insert(header::CONTENT_RANGE, answer::value(&range));
        }
        let partial = bytes.is_some();
        let bytes = bytes.unwrap_or(0..size);
        headers.insert(header::CONTENT_LENGTH, (bytes.end - bytes.start).into());
        if partial {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        if request.method == Method::GET {
            *response.body_mut() = Body::from_stream(pieces(file, bytes, self.buffers.share()));
        }
        Ok(response)
    }

    /// The file of a blob. One whose size is wrong is not served: its reader would find out late.
    async fn file(&self, digest: Digest, size: u64) -> Result<Arc<File>, Refusal> {
        let layout = self.layout.clone();
        let opened = tokio::task::spawn_blocking(move || layout.open_blob(digest)).await;
        let damaged = |why: String| Refusal::Damaged { why };
        let (file, found) = opened
            .map_err(|e| damaged(e.to_string()))?
            .map_err(|e| damaged(e.to_string()))?;
        if found != size {
            return Err(damaged(format!(
                "blob `{digest}` has {found} bytes instead of {size}"
            )));
        }
        Ok(Arc::new(file))
    }
}

/// The range that counts: none if it was meant for other content.
fn range_of(headers: &HeaderMap, digest: Digest) -> Option<&str> {
    let for_other =
        headers.contains_key(header::IF_RANGE) && !answer::lists(headers, &header::IF_RANGE, digest);
    let range = headers.get(header::RANGE)?.to_str().ok()?;
    Some(range).filter(|_| !for_other)
}

/// Pieces of a file. What the system has in memory is read at once; the disk is waited for elsewhere.
fn pieces(file: Arc<File>, bytes: Range<u64>, share: Share) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(bytes, move |rest| {
        let file = file.clone();
        let mut piece = share.piece(rest.end - rest.start);
        async move {
            if rest.is_empty() {
                return Ok(None);
            }
            let had = read_ready(&file, piece.as_mut(), rest.start);
            if had < piece.length() {
                piece = tokio::task::spawn_blocking(move || read_rest(&file, piece, had, rest.start))
                    .await
                    .map_err(io::Error::other)??;
            }
            let next = rest.start + piece.length() as u64..rest.end;
            Ok(Some((piece.into_bytes(), next)))
        }
    })
}

/// Reads what is there without waiting for a disk, and says how much that was.
fn read_ready(file: &File, into: &mut [u8], at: u64) -> usize {
    preadv2(file, &mut [IoSliceMut::new(into)], at, ReadWriteFlags::NOWAIT).unwrap_or(0)
}

fn read_rest(file: &File, mut piece: Piece, had: usize, at: u64) -> io::Result<Piece> {
    file.read_exact_at(&mut piece.as_mut()[had..], at + had as u64)?;
    Ok(piece)
}
