//! One link, from hello to its end.

use std::time::Duration;

use sovereign_core::agent::{FromAgent, ToAgent};
use sovereign_remote::frames::{FrameError, FrameReceiver, FrameSender, Frames};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::desk::Desk;
use super::inbox::Order;
use crate::hand_off::token::Rotation;
use crate::incoming::Want;

/// Longest time a frame may take to go out. A peer that takes nothing any more is gone.
const SEND: Duration = Duration::from_secs(20);
/// Time after which an idle link gets a sign of life: half of what is promised, so that a slow network does not break it.
const BEAT: Duration = Duration::from_millis(2_500);

/// How a link ended.
#[derive(Debug, Error)]
pub(super) enum LinkEnd {
    /// The installer closed it.
    #[error("the installer closed the link")]
    Closed,
    /// A newer link took over.
    #[error("a newer link took over")]
    Superseded,
    /// The installer did not begin with `Follow`.
    #[error("the peer does not begin as an installer does")]
    NotAnInstaller,
    /// The installer does not take frames any more.
    #[error("the peer took no frame for {} s", SEND.as_secs())]
    Stuck,
    /// The frames broke.
    #[error("{0}")]
    Frames(#[from] FrameError),
}

/// Speaks over `stream` until it ends, one way or another.
pub(super) async fn speak<S: AsyncRead + AsyncWrite>(desk: &Desk, stream: S) -> LinkEnd {
    let (mut sender, receiver) = Frames::<S, ToAgent, FromAgent>::new(stream).split();
    if let Err(end) = send(&mut sender, &FromAgent::Hello(desk.hello())).await {
        return end;
    }
    let (follow, following) = watch::channel(None);
    tokio::select! {
        end = hear(desk, receiver, follow) => end,
        end = tell(desk, sender, following) => end,
    }
}

async fn hear<S: AsyncRead>(
    desk: &Desk,
    mut receiver: FrameReceiver<S, ToAgent>,
    follow: watch::Sender<Option<u64>>,
) -> LinkEnd {
    loop {
        let frame = match receiver.receive().await {
            Ok(Some(frame)) => frame,
            Ok(None) => return LinkEnd::Closed,
            Err(error) => return error.into(),
        };
        match frame {
            ToAgent::Follow { after } => {
                desk.heard(after);
                follow.send_replace(Some(after));
            }
            _ if follow.borrow().is_none() => return LinkEnd::NotAnInstaller,
            ToAgent::Preflight(order) => desk.inbox.put(Order::Preflight(order)),
            ToAgent::Converge(config) => desk.inbox.put(Order::Converge(config)),
            ToAgent::MakeHostKeys => desk.inbox.put(Order::MakeHostKeys),
            ToAgent::UseHostKeys => desk.inbox.put(Order::UseHostKeys),
            ToAgent::ServeRegistry(registry) => desk.inbox.put(Order::ServeRegistry(registry)),
            ToAgent::RunK3s(node) => desk.inbox.put(Order::RunK3s(node)),
            ToAgent::InstallKit(order) => desk.inbox.put(Order::InstallKit(order)),
            ToAgent::RotateToken { old, new } => desk.inbox.put(Order::RotateToken(Rotation { old, new })),
            ToAgent::HandOff(order) => desk.inbox.put(Order::HandOff(order)),
            ToAgent::Release(order) => desk.inbox.put(Order::Release(order)),
            ToAgent::Piece(piece) => desk.incoming.take(&piece),
            ToAgent::NoArtifact { sha256 } => desk.incoming.refused(&sha256),
            ToAgent::Leave => desk.inbox.put(Order::Leave),
        }
    }
}

async fn tell<S: AsyncWrite>(
    desk: &Desk,
    mut sender: FrameSender<S, FromAgent>,
    mut following: watch::Receiver<Option<u64>>,
) -> LinkEnd {
    let mut written = desk.written();
    // Only who speaks as an installer takes over from another.
    let mut turn: Option<watch::Receiver<u64>> = None;
    let mut after: Option<u64> = None;
    let mut beat = Instant::now() + BEAT;
    let mut wants = desk.incoming.wants();
    wants.mark_changed();
    loop {
        if following.has_changed().unwrap_or(false) {
            after = *following.borrow_and_update();
            turn.get_or_insert_with(|| desk.take_over());
        }
        if let Some(told) = after.as_mut() {
            let events = desk.events_after(*told);
            let some = !events.is_empty();
            for event in events {
                *told = event.seq;
                if let Err(end) = send(&mut sender, &FromAgent::Event(event)).await {
                    return end;
                }
                desk.told_up_to(*told);
                beat = Instant::now() + BEAT;
            }
            if some {
                continue;
            }
        }
        if after.is_some() && wants.has_changed().unwrap_or(false) {
            let want = wants.borrow_and_update().clone();
            if let Some(Want { sha256, from }) = want
                && let Err(end) = send(&mut sender, &FromAgent::Want { sha256, from }).await
            {
                return end;
            }
        }
        tokio::select! {
            _ = written.changed() => {}
            _ = wants.changed(), if after.is_some() => wants.mark_changed(),
            _ = following.changed() => following.mark_changed(),
            () = superseded(turn.as_mut()) => return LinkEnd::Superseded,
            () = sleep_until(beat) => {
                if let Err(end) = send(&mut sender, &FromAgent::Heartbeat(desk.heartbeat())).await {
                    return end;
                }
                beat = Instant::now() + BEAT;
            }
        }
    }
}

async fn superseded(turn: Option<&mut watch::Receiver<u64>>) {
    let changed = match turn {
        Some(turn) => turn.changed().await.is_ok(),
        None => false,
    };
    if !changed {
        std::future::pending::<()>().await;
    }
}

async fn send<S: AsyncWrite>(
    sender: &mut FrameSender<S, FromAgent>,
    frame: &FromAgent,
) -> Result<(), LinkEnd> {
    match timeout(SEND, sender.send(frame)).await {
        Ok(sent) => Ok(sent?),
        Err(_) => Err(LinkEnd::Stuck),
    }
}
