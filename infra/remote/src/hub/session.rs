//! One link, from its first frame to its last.

use std::sync::Arc;

use sovereign_core::agent::{FromAgent, Hello, ToAgent};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::timeout;

use super::join::{join, not_our_protocol};
use super::node::Node;
use super::seat::{Inbox, Seat};
use crate::book::NodeBook;
use crate::depot::{Depot, Handing};
use crate::frames::{FrameError, FrameReceiver, FrameSender, Frames};
use crate::link_state::{Lost, Refused, SILENT_AFTER, Transport};

/// How a link ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkEnd {
    /// The host was turned away.
    Refused(Refused),
    /// The host did not say who it is before it closed it, or not in time.
    NoHello,
    /// The host closed it.
    Closed,
    /// Nothing came for twice [`SILENT_AFTER`].
    Silent,
    /// It broke.
    Broken(String),
    /// The host opened another one, or the node is expected anew or forgotten.
    Superseded,
    /// The installer's own book failed.
    Book(String),
}

/// What is told of a host whose agent opens a link and no more.
const NO_HELLO: &str =
    "its agent opened a link and did not say who it is: see `journalctl -u sovereign-agent` there";

type Hears<S> = FrameReceiver<S, FromAgent>;
/// Digest of the file that the host asks for, and from which byte on.
type Want = Option<(String, u64)>;
type Wants = watch::Sender<Want>;
type Says<S> = FrameSender<S, ToAgent>;

pub(super) async fn run<S>(
    book: &dyn NodeBook,
    depot: &Depot,
    node: &Arc<Node>,
    stream: S,
    transport: Transport,
) -> LinkEnd
where
    S: AsyncRead + AsyncWrite + Send,
{
    let (says, mut hears) = Frames::new(stream).split();
    let joined = match first_frame(&mut hears).await {
        Ok(hello) => join(book, node, hello, transport).await,
        Err(end) => Err(end),
    };
    let (seat, inbox) = match joined {
        Ok(joined) => joined,
        Err(end) => {
            match &end {
                LinkEnd::Refused(refused) => node.refuse(refused.clone()),
                LinkEnd::NoHello => node.tried(NO_HELLO),
                _ => {}
            }
            return end;
        }
    };
    let Inbox { orders, follow, cut } = inbox;
    let wants = Wants::new(None);
    let end = tokio::select! {
        biased;
        () = cut.cancelled() => LinkEnd::Superseded,
        end = hear(&seat, hears, &wants) => end,
        end = say(book, depot, &seat, says, orders, &follow, wants.subscribe()) => end,
    };
    seat.end(match &end {
        LinkEnd::Silent => Lost::NoFrame,
        LinkEnd::Broken(why) | LinkEnd::Book(why) => Lost::Broken(why.clone()),
        LinkEnd::Closed | LinkEnd::NoHello | LinkEnd::Superseded | LinkEnd::Refused(_) => Lost::Closed,
    });
    end
}

async fn first_frame<S: AsyncRead>(hears: &mut Hears<S>) -> Result<Hello, LinkEnd> {
    match timeout(SILENT_AFTER, hears.receive()).await {
        Err(_) | Ok(Ok(None)) => Err(LinkEnd::NoHello),
        Ok(Ok(Some(FromAgent::Hello(hello)))) => Ok(hello),
        Ok(Ok(Some(_))) => Err(LinkEnd::Refused(not_our_protocol(
            "its first frame does not say who it is",
        ))),
        Ok(Err(FrameError::Stream(error))) => Err(LinkEnd::Broken(error.to_string())),
        Ok(Err(error)) => Err(LinkEnd::Refused(not_our_protocol(&error.to_string()))),
    }
}

/// Takes in frames until the link ends.
async fn hear<S: AsyncRead>(seat: &Seat, mut hears: Hears<S>, wants: &Wants) -> LinkEnd {
    let mut quiet = false;
    loop {
        let frame = match timeout(SILENT_AFTER, hears.receive()).await {
            Err(_) if quiet => return LinkEnd::Silent,
            Err(_) => {
                quiet = true;
                seat.quiet();
                continue;
            }
            Ok(Ok(None)) => return LinkEnd::Closed,
            Ok(Ok(Some(frame))) => frame,
            Ok(Err(error)) => return LinkEnd::Broken(chain(&error)),
        };
        quiet = false;
        match frame {
            FromAgent::Heartbeat(heartbeat) => seat.heartbeat(heartbeat),
            FromAgent::Event(event) => seat.event(event),
            FromAgent::Want { sha256, from } => {
                wants.send_replace(Some((sha256, from)));
            }
            FromAgent::Hello(_) => return LinkEnd::Broken("the agent said twice who it is".to_owned()),
        }
    }
}

/// Sends orders, and between them the files that the host asks for, until the link ends.
async fn say<S: AsyncWrite>(
    book: &dyn NodeBook,
    depot: &Depot,
    seat: &Seat,
    mut says: Says<S>,
    mut orders: mpsc::Receiver<ToAgent>,
    follow: &Notify,
    mut wants: watch::Receiver<Want>,
) -> LinkEnd {
    let mut handing: Option<Handing> = None;
    loop {
        let frame = tokio::select! {
            biased;
            () = follow.notified() => match book.last_heard(&seat.node.id).await {
                Ok(journalled) => seat.follow(journalled).map(|after| ToAgent::Follow { after }),
                Err(error) => return LinkEnd::Book(error.to_string()),
            },
            order = orders.recv() => order,
            Ok(()) = wants.changed() => {
                let want = wants.borrow_and_update().clone();
                let Some((sha256, from)) = want else { continue };
                handing = depot.open(&sha256, from).await;
                if handing.is_some() {
                    continue;
                }
                Some(ToAgent::NoArtifact { sha256 })
            }
            piece = next(&mut handing) => {
                if piece.is_none() {
                    handing = None;
                    continue;
                }
                piece
            }
        };
        let Some(frame) = frame else {
            return LinkEnd::Superseded;
        };
        match timeout(SILENT_AFTER, says.send(&frame)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return LinkEnd::Broken(chain(&error)),
            Err(_) => return LinkEnd::Broken("the host takes nothing in".to_owned()),
        }
    }
}

/// The next piece of what is on its way; for ever, if nothing is.
async fn next(handing: &mut Option<Handing>) -> Option<ToAgent> {
    match handing {
        Some(handing) => handing.next().await,
        None => std::future::pending().await,
    }
}

fn chain(error: &FrameError) -> String {
    match error {
        FrameError::Stream(source) => format!("{error}: {source}"),
        _ => error.to_string(),
    }
}
