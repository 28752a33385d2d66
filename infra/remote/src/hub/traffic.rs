//! The link of a node, and who reads what comes over it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sovereign_core::agent::{AgentEvent, Doing, Hello, ToAgent};
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::link_state::{LinkState, Lost, Up};

/// Events on their way to one reader.
const EVENTS: usize = 64;

/// The link of a node, and who reads what comes over it. Both stand behind one lock: what has passed and is not in a
/// reader's queue never will be.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    pub(super) live: Option<Live>,
    readers: Vec<Reader>,
}

/// A reader's queue holds exactly the events after those it has read. What finds no room is told again later.
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
    /// Number of the last event that was passed on.
    pub(super) position: u64,
    /// The agent was asked to tell again, and what it said before that may still arrive.
    pub(super) replaying: bool,
    /// Since when the heartbeats show the same.
    pub(super) same_since: Instant,
}

/// The agent left out an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) expected: u64,
    pub(super) came: u64,
}

impl Traffic {
    /// The link, if it is still this one.
    pub(super) fn link(&mut self, number: u64) -> Option<&mut Live> {
        self.live.as_mut().filter(|live| live.number == number)
    }

    /// A queue of the events after a number.
    pub(super) fn read(&mut self, after: u64) -> mpsc::Receiver<Arc<AgentEvent>> {
        let (queue, events) = mpsc::channel(EVENTS);
        self.readers.retain(|reader| !reader.queue.is_closed());
        self.readers.push(Reader { queued: after, queue });
        events
    }

    /// Makes sure that the event after a number is on its way to a reader whose queue is empty.
    pub(super) fn ask_again(&mut self, after: u64, queue: &mpsc::Receiver<Arc<AgentEvent>>) {
        if let Some(live) = self.live.as_mut().filter(|live| live.position > after)
            && queue.is_empty()
        {
            live.position = after;
            live.replaying = true;
            live.follow.notify_one();
        }
    }

    /// Passes an event of a link on if it is the next one.
    pub(super) fn event(&mut self, number: u64, event: AgentEvent) -> Result<(), Gap> {
        let Self { live, readers } = self;
        let Some(live) = live.as_mut().filter(|live| live.number == number) else {
            return Ok(());
        };
        let (expected, came) = (live.position + 1, event.seq);
        if came == expected {
            live.position = expected;
            live.replaying = false;
            let event = Arc::new(event);
            readers.retain_mut(|reader| reader.offer(&event));
        } else if came > expected && !live.replaying {
            return Err(Gap { expected, came });
        }
        Ok(())
    }

    /// The node's events begin anew: readers of the old ones come to their end.
    pub(super) fn start_over(&mut self) -> Option<Live> {
        self.readers.retain(|reader| reader.queued == 0);
        self.live.take()
    }
}

impl Reader {
    /// Queues an event if it is the reader's next and there is room. False once nobody reads any more.
    fn offer(&mut self, event: &Arc<AgentEvent>) -> bool {
        if event.seq == self.queued + 1 && self.queue.try_send(event.clone()).is_ok() {
            self.queued = event.seq;
        }
        !self.queue.is_closed()
    }
}

impl Live {
    /// Notes a heartbeat, and how long they have shown the same.
    pub(super) fn heartbeat(&mut self, doing: Option<Doing>) {
        let same = |a: &Doing, b: &Doing| a.sub_step == b.sub_step && a.last_seen == b.last_seen;
        let stalled = matches!((&self.up.doing, &doing), (Some(a), Some(b)) if same(a, b));
        if !stalled {
            self.same_since = Instant::now();
        }
        self.up.heard_at = Timestamp::now();
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
