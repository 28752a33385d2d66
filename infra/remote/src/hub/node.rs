//! What a hub knows of one node.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::agent::{Hello, ToAgent};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::seat::{Inbox, Seat};
use super::traffic::{Live, Traffic};
use crate::link_state::{LinkState, Lost, Refused, Transport, Up};
use crate::node_id::NodeId;

/// Orders on their way to the agent; whoever gives more waits.
const ORDERS: usize = 8;

/// What a hub knows of one node.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: NodeId,
    pub(super) state: watch::Sender<LinkState>,
    pub(super) refused: watch::Sender<Option<Refused>>,
    /// Cancelled once the node is forgotten.
    pub(super) gone: CancellationToken,
    /// Held while somebody comes onto the link: one at a time.
    pub(super) joining: tokio::sync::Mutex<()>,
    traffic: Mutex<Traffic>,
    /// The newest link. What an older one has to say about the state does not count.
    newest: AtomicU64,
}

impl Node {
    pub(super) fn new(id: NodeId) -> Self {
        Self {
            id,
            state: watch::Sender::new(LinkState::Unheard { tried: None }),
            refused: watch::Sender::new(None),
            gone: CancellationToken::new(),
            joining: tokio::sync::Mutex::default(),
            traffic: Mutex::default(),
            newest: AtomicU64::new(0),
        }
    }

    /// Who is on the link.
    pub(super) fn on_link(&self) -> Option<Arc<Hello>> {
        self.traffic().live.as_ref().map(Live::hello)
    }

    /// Where orders for the agent go.
    pub(super) fn orders(&self) -> Option<mpsc::Sender<ToAgent>> {
        self.traffic().live.as_ref().map(|live| live.orders.clone())
    }

    /// Has the link tell the agent what is journalled.
    pub(super) fn acknowledge(&self) {
        if let Some(live) = &self.traffic().live {
            live.follow.notify_one();
        }
    }

    /// Gives a host the link; whoever had it before is off it.
    pub(super) fn seat(
        self: &Arc<Self>,
        hello: Hello,
        transport: Transport,
        journalled: u64,
    ) -> (Seat, Inbox) {
        let (give, orders) = mpsc::channel(ORDERS);
        let (cut, follow) = (self.gone.child_token(), Arc::new(Notify::new()));
        let up = Up {
            reboots: self.reboots(&hello),
            clock_ahead: ahead(hello.clock),
            hello: Arc::new(hello),
            transport,
            heard_at: Timestamp::now(),
            doing: None,
            stalled_for: Duration::ZERO,
        };
        let number = self.newest.fetch_add(1, Ordering::SeqCst) + 1;
        let live = Live {
            number,
            up: up.clone(),
            orders: give,
            cut: cut.clone(),
            follow: follow.clone(),
            floor: journalled,
            position: journalled,
            came: None,
            replaying: false,
            same_since: Instant::now(),
        };
        if let Some(before) = self.traffic().seat(live) {
            before.cut.cancel();
        }
        follow.notify_one();
        self.announce(number, LinkState::Up(up));
        let seat = Seat {
            node: self.clone(),
            number,
            lost: Lost::Closed,
        };
        (seat, Inbox { orders, follow, cut })
    }

    /// How often the host has come back with another boot.
    fn reboots(&self, hello: &Hello) -> u32 {
        let (before, reboots) = match &*self.state.borrow() {
            LinkState::Up(up) => (Some(up.hello.clone()), up.reboots),
            LinkState::Silent { hello, reboots, .. } => (Some(hello.clone()), *reboots),
            _ => (None, 0),
        };
        let rebooted = before.is_some_and(|before| before.boot_id != hello.boot_id);
        reboots + u32::from(rebooted)
    }

    /// Somebody was turned away.
    pub(super) fn refuse(&self, refused: Refused) {
        self.refused.send_replace(Some(refused.clone()));
        self.state.send_if_modified(|state| {
            let off = !matches!(state, LinkState::Up(_));
            if off {
                *state = LinkState::Refused(refused);
            }
            off
        });
    }

    /// Somebody was turned away who may have nothing to do with the node.
    pub(super) fn refuse_stranger(&self, refused: Refused) {
        self.tried(&format!("turned away: {}; {}", refused.why, refused.remedy));
        self.refused.send_replace(Some(refused));
    }

    /// A call to the host, or from somebody who says to be it, came to this.
    pub(super) fn tried(&self, words: &str) {
        self.state.send_if_modified(|state| match state {
            LinkState::Unheard { tried } | LinkState::Silent { tried, .. } => {
                let news = tried.as_deref() != Some(words);
                *tried = Some(words.to_owned());
                news
            }
            _ => false,
        });
    }

    /// The host has an identity. One that is on the link stays there.
    pub(super) fn enrolled(&self) {
        self.state.send_if_modified(|state| {
            let off = !matches!(state, LinkState::Up(_));
            if off {
                *state = LinkState::Enrolled { at: Timestamp::now() };
            }
            off
        });
    }

    /// Ends the link, if there is one, without a word about it; the node stands anew.
    pub(super) fn start_over(&self, state: LinkState) {
        self.newest.fetch_add(1, Ordering::SeqCst);
        if let Some(before) = self.traffic().start_over() {
            before.cut.cancel();
        }
        self.state.send_replace(state);
    }

    /// Ends the link, and the waits of everyone who reads it.
    pub(super) fn end(&self) {
        self.start_over(LinkState::Unheard { tried: None });
        self.gone.cancel();
    }

    pub(super) fn traffic(&self) -> MutexGuard<'_, Traffic> {
        self.traffic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells how it stands, as seen by a link. Only the newest one is believed.
    pub(super) fn announce(&self, number: u64, new: LinkState) {
        self.state.send_if_modified(|state| {
            let counts = self.newest.load(Ordering::SeqCst) == number;
            if counts {
                *state = new;
            }
            counts
        });
    }
}

/// Seconds by which a host's clock is ahead of this installer's.
pub(super) fn ahead(clock: Timestamp) -> i64 {
    clock.as_second() - Timestamp::now().as_second()
}
