//! What the links and the worker share: the ledger, the orders, and what is being done.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use jiff::Timestamp;
use sovereign_core::agent::{
    AgentEvent, AgentEventKind, Doing, Heartbeat, Hello, PROTOCOL, SubStep, SubStepState,
};
use tokio::sync::watch;

use super::inbox::Inbox;
use crate::host::Host;
use crate::incoming::Incoming;
use crate::ledger::Ledger;
use crate::root::Root;
use crate::signs;
use crate::state;
use crate::who::Who;

/// Events that are handed out at once.
const BATCH: usize = 64;

/// What the links and the worker share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) root: Root,
    pub(super) inbox: Inbox,
    pub(super) incoming: Rc<Incoming>,
    node: String,
    who: Who,
    ledger: RefCell<Ledger>,
    doing: RefCell<Option<Task>>,
    written: watch::Sender<u64>,
    told: watch::Sender<u64>,
    noted: watch::Sender<u64>,
    turn: watch::Sender<u64>,
}

#[derive(Debug)]
struct Task {
    name: String,
    last_seen: String,
    since: Instant,
}

impl Desk {
    pub(super) fn new(host: &Host, node: String, who: Who, ledger: Ledger) -> Self {
        let written = watch::Sender::new(ledger.last_seq());
        Self {
            root: host.root.clone(),
            inbox: Inbox::default(),
            incoming: host.incoming(),
            node,
            who,
            ledger: RefCell::new(ledger),
            doing: RefCell::new(None),
            written,
            told: watch::Sender::new(0),
            noted: watch::Sender::new(0),
            turn: watch::Sender::new(0),
        }
    }

    /// Writes an event down, then lets the links tell it. Its number, or 0 if it could not be written.
    ///
    /// An event that is not on the disk must not be told; heartbeats then say what is wrong with the disk.
    pub(super) fn tell(&self, kind: AgentEventKind) -> u64 {
        let appended = self.ledger.borrow_mut().append(Timestamp::now(), kind);
        match appended {
            Ok(event) => {
                self.written.send_replace(event.seq);
                event.seq
            }
            Err(fault) => {
                tracing::error!(cause = %fault, remedy = %fault.remedy, "an event is lost");
                self.saw(&fault.cause);
                0
            }
        }
    }

    /// Tells where a part of a task stands.
    pub(super) fn tell_part(&self, name: &str, state: SubStepState) -> u64 {
        self.tell(AgentEventKind::SubStep(SubStep {
            name: name.to_owned(),
            state,
        }))
    }

    /// Notes what is being done from now on.
    pub(super) fn begin(&self, name: &str) {
        signs::status(name);
        *self.doing.borrow_mut() = Some(Task {
            name: name.to_owned(),
            last_seen: String::new(),
            since: Instant::now(),
        });
    }

    /// Notes what was seen last.
    pub(super) fn saw(&self, what: &str) {
        if let Some(task) = self.doing.borrow_mut().as_mut() {
            what.clone_into(&mut task.last_seen);
        }
    }

    /// Nothing is being done any more.
    pub(super) fn rest(&self) {
        signs::status("waiting for orders");
        self.doing.take();
    }

    pub(super) fn hello(&self) -> Hello {
        Hello {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            binary: self.who.binary.clone(),
            node: self.node.clone(),
            boot_id: self.who.boot_id.clone(),
            host_id: self.who.host_id.clone(),
            clock: Timestamp::now(),
            applied: state::HOST.applied(&self.root).ok().flatten(),
            serves: state::REGISTRY.applied(&self.root).ok().flatten(),
            runs: state::K3S.applied(&self.root).ok().flatten(),
            kit: state::KIT.applied(&self.root).ok().flatten(),
            last_seq: self.ledger.borrow().last_seq(),
        }
    }

    pub(super) fn heartbeat(&self) -> Heartbeat {
        let doing = self.doing.borrow().as_ref().map(|task| Doing {
            sub_step: task.name.clone(),
            last_seen: self.incoming.words().unwrap_or_else(|| task.last_seen.clone()),
            for_ms: u64::try_from(task.since.elapsed().as_millis()).unwrap_or(u64::MAX),
        });
        Heartbeat {
            clock: Timestamp::now(),
            doing,
        }
    }

    /// Name of the server in the plan.
    pub(super) fn node(&self) -> &str {
        &self.node
    }

    /// The next events after number `after`.
    pub(super) fn events_after(&self, after: u64) -> Vec<AgentEvent> {
        self.ledger
            .borrow()
            .after(after)
            .iter()
            .take(BATCH)
            .cloned()
            .collect()
    }

    /// Changes with every event that is written.
    pub(super) fn written(&self) -> watch::Receiver<u64> {
        self.written.subscribe()
    }

    /// An installer has noted everything up to this number.
    pub(super) fn heard(&self, seq: u64) {
        self.ledger.borrow_mut().noted(seq);
        raise(&self.noted, seq);
        self.told_up_to(seq);
    }

    /// Everything up to this number went into a link.
    pub(super) fn told_up_to(&self, seq: u64) {
        raise(&self.told, seq);
    }

    /// Changes whenever more was told.
    pub(super) fn told(&self) -> watch::Receiver<u64> {
        self.told.subscribe()
    }

    /// Changes whenever an installer has noted more.
    pub(super) fn noted(&self) -> watch::Receiver<u64> {
        self.noted.subscribe()
    }

    /// A link takes over from the one before it; it has the word until the number changes.
    pub(super) fn take_over(&self) -> watch::Receiver<u64> {
        self.turn.send_modify(|turn| *turn += 1);
        self.turn.subscribe()
    }
}

/// Sets a number that only grows.
fn raise(number: &watch::Sender<u64>, to: u64) {
    number.send_if_modified(|number| {
        let newer = to > *number;
        *number = to.max(*number);
        newer
    });
}
