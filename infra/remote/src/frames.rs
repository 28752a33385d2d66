//! Frames: one JSON object a line. A line longer than [`MAX_FRAME`] ends the link before it is kept, so a peer can never
//! make us hold more than one frame.

use std::io;
use std::marker::PhantomData;

use futures::{SinkExt as _, StreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sovereign_core::agent::MAX_FRAME;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio_util::codec::{FramedRead, FramedWrite, LinesCodec, LinesCodecError};

/// Why frames cannot go on. A stream that failed once is of no further use.
#[derive(Debug, Error)]
pub enum FrameError {
    /// The stream broke.
    #[error("the stream broke")]
    Stream(#[source] io::Error),
    /// A frame is too large.
    #[error("a frame is larger than {MAX_FRAME} bytes")]
    TooLarge,
    /// A frame is not what it should be. What it holds is not told: it may be secret.
    #[error("a frame is not of this protocol: {0:?} error at column {1}")]
    Malformed(serde_json::error::Category, usize),
}

impl From<LinesCodecError> for FrameError {
    fn from(error: LinesCodecError) -> Self {
        match error {
            LinesCodecError::MaxLineLengthExceeded => Self::TooLarge,
            LinesCodecError::Io(source) => Self::Stream(source),
        }
    }
}

impl From<serde_json::Error> for FrameError {
    fn from(error: serde_json::Error) -> Self {
        Self::Malformed(error.classify(), error.column())
    }
}

/// Both directions of a link.
#[derive(Debug)]
pub struct Frames<S, In, Out> {
    sender: FrameSender<S, Out>,
    receiver: FrameReceiver<S, In>,
}

impl<S: AsyncRead + AsyncWrite, In: DeserializeOwned, Out: Serialize> Frames<S, In, Out> {
    /// Frames over a byte stream.
    pub fn new(stream: S) -> Self {
        let (read, write) = tokio::io::split(stream);
        Self {
            sender: FrameSender {
                lines: FramedWrite::new(write, LinesCodec::new()),
                says: PhantomData,
            },
            receiver: FrameReceiver {
                lines: FramedRead::new(read, LinesCodec::new_with_max_length(MAX_FRAME)),
                hears: PhantomData,
            },
        }
    }

    /// See [`FrameSender::send`].
    pub async fn send(&mut self, frame: &Out) -> Result<(), FrameError> {
        self.sender.send(frame).await
    }

    /// See [`FrameReceiver::receive`].
    pub async fn receive(&mut self) -> Result<Option<In>, FrameError> {
        self.receiver.receive().await
    }

    /// The two directions, to be used at the same time.
    pub fn split(self) -> (FrameSender<S, Out>, FrameReceiver<S, In>) {
        (self.sender, self.receiver)
    }
}

/// The direction away from us.
#[derive(Debug)]
pub struct FrameSender<S, Out> {
    lines: FramedWrite<WriteHalf<S>, LinesCodec>,
    says: PhantomData<fn(&Out)>,
}

impl<S: AsyncWrite, Out: Serialize> FrameSender<S, Out> {
    /// Sends a frame. Returns once the stream took all of it; given up half-way, the next call sends the rest first.
    pub async fn send(&mut self, frame: &Out) -> Result<(), FrameError> {
        let line = serde_json::to_string(frame)?;
        if line.len() > MAX_FRAME {
            return Err(FrameError::TooLarge);
        }
        Ok(self.lines.send(line).await?)
    }
}

/// The direction towards us.
#[derive(Debug)]
pub struct FrameReceiver<S, In> {
    lines: FramedRead<ReadHalf<S>, LinesCodec>,
    hears: PhantomData<fn() -> In>,
}

impl<S: AsyncRead, In: DeserializeOwned> FrameReceiver<S, In> {
    /// The next frame; `None` once the peer is done. Giving up on the call loses nothing.
    pub async fn receive(&mut self) -> Result<Option<In>, FrameError> {
        match self.lines.next().await {
            None => Ok(None),
            Some(line) => Ok(Some(serde_json::from_str(&line?)?)),
        }
    }
}

#[cfg(test)]
mod tests;
