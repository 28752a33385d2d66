//! One blob from a registry. When the connection breaks it goes on where it broke.

use std::time::{Duration, Instant};

use bytes::Bytes;
use reqwest::{StatusCode, header};
use tokio::sync::mpsc;

use crate::digest::Digest;
use crate::layout::{Layout, LayoutError};
use crate::reference::Reference;

use super::{Client, OnProgress, Progress, PullError, blocking, call};

/// Pieces that may wait for the disk.
const WAITING: usize = 16;
/// Shortest time between two words about progress.
const BETWEEN: Duration = Duration::from_millis(250);

/// A blob on its way.
struct Transfer<'a> {
    reference: &'a Reference,
    digest: Digest,
    size: u64,
    done: u64,
    to: mpsc::Sender<Bytes>,
    progress: OnProgress<'a>,
    told: Instant,
}

/// Why a part of a transfer ended.
enum Break {
    /// Another try may help.
    Line(PullError),
    /// It would not.
    Final(PullError),
    /// The writer is gone; it says why.
    Disk,
}

impl Client {
    pub(super) async fn fetch_blob(
        &self,
        reference: &Reference,
        layout: &Layout,
        digest: Digest,
        size: u64,
        progress: OnProgress<'_>,
    ) -> Result<(), PullError> {
        let largest = self.options.largest_blob;
        if size > largest {
            return Err(PullError::TooLarge {
                digest,
                size,
                largest,
            });
        }
        if layout.has_blob(digest, size) {
            progress(Progress {
                digest,
                done: size,
                total: size,
            });
            return Ok(());
        }
        let (to, from) = mpsc::channel(WAITING);
        let writer = tokio::spawn(blocking({
            let layout = layout.clone();
            move || write(&layout, digest, size, from)
        }));
        let mut transfer = Transfer {
            reference,
            digest,
            size,
            done: 0,
            to,
            progress,
            told: Instant::now(),
        };
        let fetched = self.transfer(&mut transfer).await;
        drop(transfer);
        // Without its last piece the writer keeps nothing.
        let written = writer.await.map_err(|_| PullError::Cancelled)?;
        match fetched {
            Err(Break::Final(error) | Break::Line(error)) => return Err(error),
            Ok(()) | Err(Break::Disk) => written?,
        }
        progress(Progress {
            digest,
            done: size,
            total: size,
        });
        Ok(())
    }

    /// Fetches until all is there; tries that get further are not counted.
    async fn transfer(&self, transfer: &mut Transfer<'_>) -> Result<(), Break> {
        let mut tries = 0;
        while transfer.done < transfer.size || transfer.size == 0 {
            let before = transfer.done;
            match self.part(transfer).await {
                Ok(()) if transfer.size == 0 => return Ok(()),
                Ok(()) => {}
                Err(Break::Line(_)) if tries < call::TRIES => {}
                Err(error) => return Err(error),
            }
            if transfer.done == transfer.size {
                break;
            }
            tries = if transfer.done > before { 1 } else { tries + 1 };
            if tries > call::TRIES {
                let why = "the connection ends before the blob does".to_owned();
                let host = transfer.reference.host().to_owned();
                return Err(Break::Final(PullError::Unreachable { host, why }));
            }
            tokio::time::sleep(call::pause(tries)).await;
        }
        Ok(())
    }

    /// Fetches what is left, as far as the connection lasts.
    async fn part(&self, transfer: &mut Transfer<'_>) -> Result<(), Break> {
        let (done, reference) = (transfer.done, transfer.reference);
        let rest = format!("blobs/{}", transfer.digest);
        let asked = self.get(reference, &rest, |request| match done {
            0 => request,
            done => request.header(header::RANGE, format!("bytes={done}-")),
        });
        let mut response = asked.await.map_err(Break::Final)?;
        let mut skip = match response.status() {
            StatusCode::PARTIAL_CONTENT if begins_at(&response, done) => 0,
            StatusCode::PARTIAL_CONTENT => {
                let why = "it is another part of the blob than the one that was asked for";
                return Err(Break::Final(PullError::bad_answer(reference, &why)));
            }
            // This registry knows no ranges: what is there already passes by once more.
            _ => done,
        };
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| Break::Line(call::unreachable(reference.host(), &error)))?;
            let Some(mut chunk) = chunk else {
                return Ok(());
            };
            let skipped = skip.min(chunk.len() as u64);
            skip -= skipped;
            let chunk = chunk.split_off(usize::try_from(skipped).unwrap_or(chunk.len()));
            transfer.take(chunk).await?;
        }
    }
}

impl Transfer<'_> {
    async fn take(&mut self, chunk: Bytes) -> Result<(), Break> {
        if chunk.is_empty() {
            return Ok(());
        }
        self.done += chunk.len() as u64;
        self.to.send(chunk).await.map_err(|_| Break::Disk)?;
        if self.done > self.size {
            let (digest, wanted, found) = (self.digest, self.size, self.done);
            return Err(Break::Final(PullError::Layout(LayoutError::Size {
                digest,
                wanted,
                found,
            })));
        }
        if self.told.elapsed() >= BETWEEN {
            self.told = Instant::now();
            (self.progress)(Progress {
                digest: self.digest,
                done: self.done,
                total: self.size,
            });
        }
        Ok(())
    }
}

fn begins_at(response: &reqwest::Response, done: u64) -> bool {
    let range = response
        .headers()
        .get(header::CONTENT_RANGE)
        .and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {done}-")))
}

/// Takes pieces until there are no more.
fn write(
    layout: &Layout,
    digest: Digest,
    size: u64,
    mut from: mpsc::Receiver<Bytes>,
) -> Result<(), LayoutError> {
    let mut incoming = layout.incoming(digest, size)?;
    while let Some(piece) = from.blocking_recv() {
        incoming.write(&piece)?;
    }
    incoming.finish()
}
