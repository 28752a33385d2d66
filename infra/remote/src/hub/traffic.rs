//! The link of a node, and who reads what comes over it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::agent::{AgentEvent, Doing, Heartbeat, Hello, ToAgent};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::node::ahead;
use crate::link_state::{LinkState, Lost, Up};

/// Events on their way to one reader.
const EVENTS: usize = 64;

/// The link of a node, and who reads what comes over it. Both stand behind one lock: what has passed and is not in a
/// reader's queue never will be.
///
/// The agent tells events in ascending order; some may be missing, for its memory has an end. Asked to begin again, it
/// first tells what it was about to, and then begins: at a number that is not higher than the last one.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) live: Option<Live>,
    readers: Vec<Reader>,
}

/// A reader's queue holds the events right after those it has read. What finds no room is told again later.
#[derive(Debug)]
struct Reader {
    queued: u64,
    queue: mpsc::Sender<Arc<AgentEvent>>,
}

/// The link of a node.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) number: u64,
    pub(super) up: Up,
    pub(super) orders: mpsc::Sender<ToAgent>,
    pub(super) cut: CancellationToken,
    pub(super) follow: Arc<Notify>,
    /// Everything up to this number is journalled, and was read by everyone here: it is not told again.
    pub(super) floor: u64,
    /// Number of the last event that was passed on.
    pub(super) position: u64,
    /// Number of the last event that came, passed on or not.
    pub(super) came: Option<u64>,
    /// The agent was asked to begin again, and has not begun.
    pub(super) replaying: bool,
    /// Since when the heartbeats show the same.
    pub(super) same_since: Instant,
}

impl Traffic {
    /// The link, if it is still this one.
    pub(super) fn link(&mut self, number: u64) -> Option<&mut Live> {
        self.live.as_mut().filter(|live| live.number == number)
    }

    /// Puts a host on the link; who was there before is returned. What is journalled is not told again to anybody.
    pub(super) fn seat(&mut self, live: Live) -> Option<Live> {
        for reader in &mut self.readers {
            reader.queued = reader.queued.max(live.floor);
        }
        self.live.replace(live)
    }

    /// A queue of the events after a number.
    pub(super) fn read(&mut self, after: u64) -> mpsc::Receiver<Arc<AgentEvent>> {
        let (queue, events) = mpsc::channel(EVENTS);
        let queued = self.live.as_ref().map_or(after, |live| live.floor.max(after));
        self.readers.retain(|reader| !reader.queue.is_closed());
        self.readers.push(Reader { queued, queue });
        events
    }

    /// Makes sure that the event after a number is on its way to a reader whose queue is empty.
    pub(super) fn ask_again(&mut self, read: u64, queue: &mpsc::Receiver<Arc<AgentEvent>>) {
        if let Some(live) = self.live.as_mut()
            && live.position > live.floor.max(read)
            && queue.is_empty()
        {
            live.begin_again();
            live.follow.notify_one();
        }
    }

    /// The number after which the agent of a link is to tell its events, now that the journal knows so many.
    pub(super) fn follow(&mut self, number: u64, journalled: u64) -> Option<u64> {
        self.readers.retain(|reader| !reader.queue.is_closed());
        let read = self.readers.iter().map(|reader| reader.queued).min();
        let live = self.link(number)?;
        live.floor = live.floor.max(journalled.min(read.unwrap_or(journalled)));
        live.begin_again();
        Some(live.floor)
    }

    /// An event came over a link: passes it on if nobody has it yet.
    pub(super) fn event(&mut self, number: u64, event: AgentEvent) {
        let Self { live, readers } = self;
        let Some(live) = live.as_mut().filter(|live| live.number == number) else {
            return;
        };
        let seq = event.seq;
        let begins = live.came.replace(seq).is_none_or(|last| seq <= last);
        if live.replaying && !begins {
            return;
        }
        live.replaying = false;
        if seq > live.position {
            let before = std::mem::replace(&mut live.position, seq);
            if seq > before + 1 {
                tracing::warn!(
                    node = live.up.hello.node,
                    after = before,
                    seq,
                    "the agent has some events no more"
                );
            }
            let event = Arc::new(event);
            readers.retain_mut(|reader| reader.offer(&event, before));
        }
    }

    /// The node's events begin anew: readers of the old ones come to their end.
    pub(super) fn start_over(&mut self) -> Option<Live> {
        self.readers.retain(|reader| reader.queued == 0);
        self.live.take()
    }
}

impl Reader {
    /// Queues an event if the reader has everything that passed before it, and there is room. False once nobody reads any
    /// more.
    fn offer(&mut self, event: &Arc<AgentEvent>, before: u64) -> bool {
        let next = self.queued >= before && event.seq > self.queued;
        if next && self.queue.try_send(event.clone()).is_ok() {
            self.queued = event.seq;
        }
        !self.queue.is_closed()
    }
}

impl Live {
    /// What comes next is what the agent tells when it begins again; what it was about to tell comes again, too.
    fn begin_again(&mut self) {
        self.position = self.floor;
        self.replaying = self.came.is_some();
    }

    /// Notes a heartbeat, and how long they have shown the same.
    pub(super) fn heartbeat(&mut self, Heartbeat { clock, doing }: Heartbeat) {
        let same = |a: &Doing, b: &Doing| a.sub_step == b.sub_step && a.last_seen == b.last_seen;
        let stalled = matches!((&self.up.doing, &doing), (Some(a), Some(b)) if same(a, b));
        if !stalled {
            self.same_since = Instant::now();
        }
        self.up.heard_at = Timestamp::now();
        self.up.clock_ahead = ahead(clock);
        self.up.doing = doing;
        self.up.stalled_for = self.same_since.elapsed();
    }

    /// Notes that an event came: that is progress.
    pub(super) fn progress(&mut self) {
        self.same_since = Instant::now();
        self.up.heard_at = Timestamp::now();
        self.up.stalled_for = Duration::ZERO;
    }

    /// How it stands with the node once nothing is heard of it.
    pub(super) fn silent(&self, lost: Lost) -> LinkState {
        LinkState::Silent {
            hello: self.up.hello.clone(),
            since: self.up.heard_at,
            lost,
            reboots: self.up.reboots,
            tried: None,
        }
    }

    /// Who is on the link.
    pub(super) fn hello(&self) -> Arc<Hello> {
        self.up.hello.clone()
    }
}
